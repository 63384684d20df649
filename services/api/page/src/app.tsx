import { useEffect } from "preact/hooks";
import { ChatList } from "./chat-list.tsx";
import { client, useClient } from "./client.ts";
import { go, useChatId } from "./place.ts";
import { SignIn } from "./sign-in.tsx";
import { Talk } from "./talk.tsx";

export function App() {
  const user = useClient((state) => state.user);
  useEffect(() => {
    if (user) client.connect();
    else go(undefined);
  }, [user?.id]);
  return user ? <Home key={user.id} /> : <SignIn />;
}

function Home() {
  const user = useClient((state) => state.user);
  const synced = useClient((state) => state.synced);
  const chatId = useChatId();
  const state = useClient(({ chats }) => (chatId === undefined ? undefined : chats.get(chatId)));
  if (!user) return null;
  return (
    <div class={`home ${chatId ? "talking" : ""}`}>
      <ChatList me={user} chatId={chatId} />
      <main class="pane">
        {state ? (
          <Talk key={state.chat.id} me={user} state={state} />
        ) : (
          <p class="hint">
            {chatId && !synced
              ? "Loading …"
              : chatId
                ? "This chat does not exist, or you are not in it."
                : "Choose a chat, or start one by e-mail address."}
          </p>
        )}
      </main>
      <Offline />
    </div>
  );
}

/** One line as long as the server is out of reach. */
function Offline() {
  const connection = useClient((state) => state.connection);
  return (
    <div role="status" class="status">
      {connection === "offline" && <p data-testid="offline">Offline. What you write is sent when the connection is back.</p>}
    </div>
  );
}

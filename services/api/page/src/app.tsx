import type { Me } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { Admin } from "./admin/admin.tsx";
import { client, useClient } from "./client.ts";
import { SignIn } from "./door/sign-in.tsx";
import { forgetDrafts } from "./drafts.ts";
import { forgetEntries } from "./entries.ts";
import { clearLayers, LayersHost } from "./layers.tsx";
import { ChatList } from "./list/chat-list.tsx";
import { Problem, useAttempt } from "./parts/form.tsx";
import { forgetPeople, learn } from "./people.ts";
import { go, replace } from "./place.ts";
import { Talk } from "./talk/talk.tsx";
import { useTitle } from "./title.ts";
import { usePlace } from "./use-place.ts";

export function App() {
  const user = useClient((state) => state.user);
  const { invite } = usePlace();
  useEffect(() => {
    if (!user) return;
    learn(user);
    client.connect();
    // What was kept may be old: the role, whether there is a second factor.
    client.call("user.me.get", {}).catch(() => {});
    return () => {
      clearLayers();
      forgetEntries();
      forgetDrafts(user.id);
      forgetPeople();
      go({});
    };
  }, [user?.id]);
  useEffect(() => {
    if (user) learn(user);
  }, [user]);
  return (
    <>
      {user ? <Home key={user.id} me={user} /> : <SignIn invited={invite !== undefined} />}
      <LayersHost />
    </>
  );
}

function Home({ me }: { me: Me }) {
  const synced = useClient((state) => state.synced);
  const { chatId, panel, seq, invite, admin, userId, address } = usePlace();
  const state = useClient(({ chats }) => (chatId === undefined ? undefined : chats.get(chatId)));
  useTitle();
  return (
    <div class={`home ${chatId || invite || admin ? "talking" : ""}`}>
      <ConnectionLine />
      <ChatList me={me} chatId={chatId} />
      <main class="pane">
        {invite ? (
          <Joining key={invite} code={invite} />
        ) : admin && me.role === "admin" ? (
          <Admin me={me} view={admin} userId={userId} address={address} />
        ) : state ? (
          <Talk key={state.chat.id} me={me} state={state} panel={panel} seq={seq} />
        ) : (
          <p class="hint">
            {chatId && !synced
              ? "Loading …"
              : chatId
                ? "This chat does not exist, or you are not in it."
                : "Choose a chat, or start a new one."}
          </p>
        )}
      </main>
    </div>
  );
}

/** Accepts an invitation and goes to the group. */
function Joining({ code }: { code: string }) {
  const { busy, error, run } = useAttempt();
  const join = () =>
    run(async () => {
      const chat = await client.call("chat.invite.accept", { code });
      await client.sync();
      replace({ chatId: chat.id });
    });
  useEffect(join, [code]);
  return (
    <div class="hint" data-testid="joining">
      <p>{busy ? "Joining the group …" : ""}</p>
      <Problem words={error} />
      {error && (
        <p>
          <button type="button" class="link" onClick={join}>
            Try again
          </button>{" "}
          <a href="#/">Back to the chats</a>
        </p>
      )}
    </div>
  );
}

/** One line as long as the server is out of reach, and while what happened meanwhile comes in. */
function ConnectionLine() {
  const connection = useClient((state) => state.connection);
  const synced = useClient((state) => state.synced);
  const [wasOffline, setWasOffline] = useState(false);
  useEffect(() => {
    if (connection === "offline") setWasOffline(true);
    if (connection === "online" && synced) setWasOffline(false);
  }, [connection, synced]);
  return (
    <div role="status" class="status">
      {connection === "offline" && <p data-testid="offline">Offline. What you write is sent when the connection is back.</p>}
      {connection === "connecting" && wasOffline && <p data-testid="connecting">Connecting …</p>}
    </div>
  );
}

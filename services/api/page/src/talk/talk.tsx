import type { Me, Message } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { changeMine } from "../about/chat-menu.tsx";
import { ChatSearch } from "../about/chat-search.tsx";
import { Details } from "../about/details.tsx";
import { Pins } from "../about/pins.tsx";
import { client } from "../client.ts";
import { titleOf } from "../list/order.ts";
import { act } from "../parts/form.tsx";
import { useNames } from "../people.ts";
import { go, readPlace, replace, type Panel } from "../place.ts";
import { Composer, type About } from "./composer.tsx";
import { Talking, type TalkContext } from "./context.ts";
import { Header } from "./header.tsx";
import { Log, type LogHandle } from "./log.tsx";
import { PinBar } from "./pin-bar.tsx";
import { Typing } from "./typing.tsx";

interface Props {
  me: Me;
  state: ChatState;
  panel: Panel | undefined;
  /** The message that the address names. */
  seq: number | undefined;
}

/** Where a panel has no room beside the chat; the style says the same. */
const narrow = "(max-width: 1039px)";
/** So long a message that one has jumped to stands out. */
const targetMs = 2500;

/** One chat: its messages, a place to write, and beside it whatever one looks up about it. */
export function Talk({ me, state, panel, seq }: Props) {
  const { chat } = state;
  const chatId = chat.id;
  const nameOf = useNames([chat.peerId]);
  const title = titleOf(chat, nameOf(chat.peerId));
  const [about, setAbout] = useState<About>();
  const [target, setTarget] = useState<number>();
  const log = useRef<LogHandle>(null);
  useEffect(() => {
    const timer = setTimeout(() => setTarget(undefined), targetMs);
    return () => clearTimeout(timer);
  }, [target]);

  const talk = useMemo<TalkContext>(
    () => ({
      me,
      chatId,
      state: () => client.get().chats.get(chatId),
      reply: (message: Message) => setAbout({ kind: "reply", message }),
      edit: (message: Message) => setAbout({ kind: "edit", message }),
      jump: (seq) => {
        // What covers the messages would hide where it leads.
        if (readPlace(location.hash).panel && matchMedia(narrow).matches) go({ chatId });
        act(
          client.jump(chatId, seq).then(() => {
            setTarget(seq);
            log.current?.show(seq);
          }),
        );
      },
    }),
    [chatId, me],
  );

  useEffect(() => {
    if (seq === undefined) return;
    replace({ chatId });
    talk.jump(seq);
  }, [seq]);
  useEffect(() => {
    client.loadReceipts(chatId).catch(() => {});
    if (chat.me.markedUnread) changeMine(chatId, { markedUnread: false });
    return () => client.leaveWindow(chatId);
  }, [chatId]);

  const leave = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (panel) return go({ chatId });
    const item = document.querySelector<HTMLElement>(".chat[aria-current]");
    go({});
    // On a phone the list is only there after this.
    requestAnimationFrame(() => item?.focus());
  };
  return (
    <Talking.Provider value={talk}>
      <div class={`talk-and-panel ${panel ? "with-panel" : ""}`} onKeyDown={leave}>
        <section class="talk" aria-label={`Chat with ${title}`}>
          <Header state={state} title={title} panel={panel} />
          <PinBar state={state} />
          <Log key={chatId} me={me} state={state} target={target} handle={log} />
          <Typing state={state} />
          <Composer me={me} state={state} about={about} onAbout={setAbout} onSent={() => log.current?.toEnd()} />
        </section>
        {panel === "details" && <Details me={me} state={state} title={title} />}
        {panel === "search" && <ChatSearch chat={chat} />}
        {panel === "pins" && <Pins chat={chat} />}
      </div>
    </Talking.Provider>
  );
}

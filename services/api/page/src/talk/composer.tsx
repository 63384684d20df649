import type { Me, Message } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { draftOf, keepDraft } from "../drafts.ts";
import { pickEmoji } from "../parts/emoji-picker.tsx";
import { act } from "../parts/form.tsx";
import { Icon } from "../parts/icon.tsx";
import { useNames } from "../people.ts";
import { lasting } from "../time.ts";
import { MentionBox, mentionAt, optionId, useCandidates, type Candidate } from "./mention-box.tsx";
import { mentionsIn, type Named } from "./mentions.ts";
import { useMessage } from "./quote.tsx";
import { mayEdit, mayManage, mayPost } from "./rights.ts";

/** What is being written is about another message. */
export type About = { kind: "reply" | "edit"; message: Message } | undefined;

interface Props {
  me: Me;
  state: ChatState;
  about: About;
  onAbout: (about: About) => void;
  onSent: () => void;
}

/** A place to write, where one may. */
export function Composer(props: Props) {
  const { chat } = props.state;
  const blocked = useClient((state) => chat.peerId !== null && state.blocks.has(chat.peerId));
  if (blocked) {
    return (
      <p class="no-composer">
        You have blocked this person.{" "}
        <button
          type="button"
          class="link"
          data-testid="unblock"
          onClick={() => act(client.call("chat.block.remove", { userId: chat.peerId! }))}
        >
          Unblock
        </button>
      </p>
    );
  }
  if (!mayPost(chat)) return <p class="no-composer">Only admins may write here.</p>;
  return <Field {...props} />;
}

/** Enter sends, Shift+Enter begins a new line, the arrow up in an empty field changes one's last message. */
function Field({ me, state, about, onAbout, onSent }: Props) {
  const { chat } = state;
  const limits = useClient(({ limits }) => limits);
  const draft = draftOf(me.id, chat.id);
  const [text, setText] = useState(draft.text);
  const [named, setNamed] = useState<Named>(draft.mentions ?? {});
  const [caret, setCaret] = useState(0);
  const [chosen, setChosen] = useState(0);
  const [closed, setClosed] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const boxId = useId();
  const editing = about?.kind === "edit" ? about.message : undefined;

  const query = closed ? undefined : mentionAt(text, caret);
  const candidates = useCandidates(state, me.id, query);
  const namesOfEdited = useNames(editing && editing.mentions !== "all" ? editing.mentions : []);

  const replied = useMessage(state, about ? undefined : draft.replyTo?.id, draft.replyTo?.seq).message;
  useEffect(() => {
    // The draft was an answer.
    if (!about && replied && !replied.deletedAt) onAbout({ kind: "reply", message: replied });
  }, [replied?.id]);
  // Before anybody can type: a key between the bar and its words would be lost under them.
  useLayoutEffect(() => {
    // On a touch screen this would open the keyboard over the messages.
    if (about || matchMedia("(hover: hover)").matches) field.current?.focus();
    if (about?.kind === "reply") keep(text, named);
    if (!editing) return;
    setText(editing.text);
    const names = editing.mentions === "all" ? [["all", "all"]] : editing.mentions.map((id) => [namesOfEdited(id) ?? "", id]);
    setNamed(Object.fromEntries(names) as Named);
  }, [about?.kind, about?.message.id]);
  useEffect(() => () => client.setTyping(chat.id, false), [chat.id]);

  /** What one was writing before one began to change a message stays as it was. */
  const keep = (value: string, names: Named, answered = about?.kind === "reply" ? about.message : undefined) => {
    if (editing) return;
    const replyTo = answered && { id: answered.id, seq: answered.seq };
    keepDraft(me.id, chat.id, { text: value, replyTo, mentions: { ...names } });
  };
  const write = (value: string, names = named) => {
    setText(value);
    setNamed(names);
    setClosed(false);
    setChosen(0);
    setCaret(field.current?.selectionStart ?? value.length);
    keep(value, names);
    if (!editing) client.setTyping(chat.id, value.trim() !== "");
  };
  /** Puts something in the place of what is selected, or of so much before the caret. */
  const insert = (part: string, instead = 0, names = named) => {
    const area = field.current!;
    area.focus();
    area.setRangeText(part, area.selectionStart - instead, area.selectionEnd, "end");
    write(area.value, names);
  };
  const mention = ({ id, name }: Candidate) => {
    insert(`@${name} `, (query?.length ?? 0) + 1, { ...named, [name]: id });
    setClosed(true);
  };
  const leave = () => {
    onAbout(undefined);
    const before = draftOf(me.id, chat.id);
    if (editing) {
      setText(before.text);
      setNamed(before.mentions ?? {});
    } else keepDraft(me.id, chat.id, { text, mentions: { ...named } });
    field.current?.focus();
  };

  const send = (event: Event) => {
    event.preventDefault();
    const said = text.trim();
    if (!said) return;
    const mentions = mentionsIn(said, named);
    if (editing) {
      if (said !== editing.text) act(client.edit(chat.id, editing.id, { text: said, mentions }));
      return leave();
    }
    const options = {
      ...(about ? { replyTo: about.message.id } : {}),
      ...(mentions.length > 0 ? { mentions } : {}),
    };
    // What goes wrong shows at the message itself.
    client.send(chat.id, said, options).catch(() => {});
    client.setTyping(chat.id, false);
    setText("");
    setNamed({});
    keepDraft(me.id, chat.id, { text: "" });
    onAbout(undefined);
    field.current?.focus();
    onSent();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // These keys also belong to an input method, while one is at work.
    if (event.isComposing) return;
    if (candidates.length > 0 && query !== undefined) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) setChosen((chosen + step + candidates.length) % candidates.length);
      else if (event.key === "Enter" || event.key === "Tab") mention(candidates[chosen] ?? candidates[0]!);
      else if (event.key === "Escape") setClosed(true);
      else return;
      return event.preventDefault();
    }
    if (event.key === "Enter" && !event.shiftKey) return send(event);
    if (event.key === "Escape" && about) {
      event.preventDefault();
      return leave();
    }
    if (event.key === "ArrowUp" && text === "" && !about) {
      const last = state.messages.findLast((message) => mayEdit(chat, message, me.id, limits));
      if (!last) return;
      event.preventDefault();
      onAbout({ kind: "edit", message: last });
    }
  };
  return (
    <form class="composer" onSubmit={send}>
      {candidates.length > 0 && <MentionBox id={boxId} candidates={candidates} chosen={chosen} onChoose={mention} />}
      {about && <AboutBar about={about} me={me} onLeave={leave} />}
      {chat.slowMode > 0 && !mayManage(chat) && (
        <p class="composer-hint">
          <Icon name="clock" /> Slow mode: one message every {lasting(chat.slowMode)}.
        </p>
      )}
      <div class="composer-row">
        <div class="growing" data-text={`${text} `}>
          <textarea
            ref={field}
            data-testid="composer"
            aria-label="Message"
            rows={1}
            placeholder={editing ? "Change the message" : "Write a message"}
            value={text}
            maxLength={limits?.maxText}
            enterkeyhint="send"
            aria-autocomplete="list"
            aria-controls={candidates.length > 0 ? boxId : undefined}
            aria-activedescendant={candidates.length > 0 ? optionId(boxId, chosen) : undefined}
            onInput={(event) => write(event.currentTarget.value)}
            onKeyDown={onKeyDown}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
            onBlur={() => client.setTyping(chat.id, false)}
          />
          <button
            type="button"
            class="icon-button in-field"
            aria-label="Insert an emoji"
            data-testid="composer-emoji"
            onClick={(event) => pickEmoji(event.currentTarget, (emoji) => insert(emoji))}
          >
            <Icon name="smile" />
          </button>
        </div>
        <button class="primary round" data-testid="send" aria-label={editing ? "Save" : "Send"} disabled={!text.trim()}>
          <Icon name={editing ? "check" : "send"} />
        </button>
      </div>
    </form>
  );
}

function AboutBar({ about: { kind, message }, me, onLeave }: { about: NonNullable<About>; me: Me; onLeave: () => void }) {
  const nameOf = useNames([message.senderId]);
  const name = message.senderId === me.id ? "yourself" : (nameOf(message.senderId) ?? "…");
  return (
    <div class="about-bar" data-testid="about-bar">
      <Icon name={kind === "edit" ? "edit" : "reply"} />
      <span class="grow">
        <b>{kind === "edit" ? "Change your message" : `Answer to ${name}`}</b>
        <span class="about-text">{message.text}</span>
      </span>
      <button
        type="button"
        class="icon-button"
        aria-label={kind === "edit" ? "Leave it as it was" : "Do not answer it"}
        onClick={onLeave}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

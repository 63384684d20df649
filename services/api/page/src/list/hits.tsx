import type { Result } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { useNames } from "../people.ts";
import { hrefOf } from "../place.ts";
import { briefly } from "../time.ts";
import { wordsFor } from "../words.ts";

type Hit = Result<"chat.search.find">["items"][number];

const pauseMs = 250;
/** So much is shown before the first word that was found. */
const leadChars = 30;

interface Props {
  query: string;
  /** In one chat alone. */
  chatId?: string;
  /** Of one person alone. */
  from?: string;
  titleOf?: (chatId: string) => string;
  /** What following a hit does, where it does not lead to another chat. */
  onPick?: (seq: number) => void;
}

/** The messages in which the words are, the newest first; following one leads to its place. */
export function Hits({ query, chatId, from, titleOf, onPick }: Props) {
  const me = useClient((state) => state.user);
  const { hits, problem, more, busy } = useHits(query.trim(), chatId, from);
  const nameOf = useNames((hits ?? []).map(({ message }) => message.senderId));
  const headingOf = ({ chatId, senderId }: Hit["message"]) => {
    const sender = senderId === me?.id ? "You" : (nameOf(senderId) ?? "…");
    const title = titleOf?.(chatId);
    return title === undefined || title === sender ? sender : `${title} · ${sender}`;
  };
  return (
    <section aria-label="Messages found" class="hits" aria-busy={busy}>
      {titleOf && hits && hits.length > 0 && <h2 class="section-title">Messages</h2>}
      <ul class="chats">
        {hits?.map(({ message, marks }) => (
          <li key={message.id}>
            <a
              class="hit"
              data-testid="hit"
              href={hrefOf({ chatId: message.chatId, seq: message.seq })}
              onClick={(event) => {
                if (!onPick) return;
                event.preventDefault();
                onPick(message.seq);
              }}
            >
              <span class="chat-top">
                <b class="chat-title">{headingOf(message)}</b>
                <time class="quiet" dateTime={message.createdAt}>
                  {briefly(message.createdAt)}
                </time>
              </span>
              <Snippet text={message.text} marks={marks} />
            </a>
          </li>
        ))}
      </ul>
      <p class="hint" role="status">
        {problem ?? (hits === undefined ? "Searching …" : hits.length === 0 ? "No messages with these words." : "")}
      </p>
      {more && (
        <button type="button" class="plain" disabled={busy} onClick={more}>
          Show more
        </button>
      )}
    </section>
  );
}

function useHits(q: string, chatId: string | undefined, from: string | undefined) {
  const [hits, setHits] = useState<readonly Hit[]>();
  const [cursor, setCursor] = useState<string | null>(null);
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    let gone = false;
    setProblem(undefined);
    const timer = setTimeout(() => {
      setBusy(true);
      client
        .call("chat.search.find", { q, ...(chatId ? { chatId } : {}), ...(from ? { from } : {}) })
        .then(
          ({ items, nextCursor }) => {
            if (gone) return;
            setHits(items);
            setCursor(nextCursor);
          },
          (err: unknown) => !gone && setProblem(wordsFor(err)),
        )
        .finally(() => setBusy(false));
    }, pauseMs);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [q, chatId, from]);

  const more = () => {
    setBusy(true);
    client
      .call("chat.search.find", { q, ...(chatId ? { chatId } : {}), ...(from ? { from } : {}), cursor: cursor! })
      .then(
        ({ items, nextCursor }) => {
          setHits((known) => [...(known ?? []), ...items]);
          setCursor(nextCursor);
        },
        (err: unknown) => setProblem(wordsFor(err)),
      )
      .finally(() => setBusy(false));
  };
  return { hits, problem, busy, more: cursor ? more : undefined };
}

/** The text around the first word that was found, with the words marked. */
function Snippet({ text, marks }: { text: string; marks: Hit["marks"] }) {
  const first = marks[0]?.start ?? 0;
  const start = first > leadChars ? text.lastIndexOf(" ", first - leadChars / 2) + 1 : 0;
  const parts = [];
  let at = start;
  for (const mark of marks.filter((mark) => mark.start >= start)) {
    parts.push(text.slice(at, mark.start), <mark key={mark.start}>{text.slice(mark.start, mark.end)}</mark>);
    at = mark.end;
  }
  return (
    <span class="snippet">
      {start > 0 && "… "}
      {parts}
      {text.slice(at)}
    </span>
  );
}

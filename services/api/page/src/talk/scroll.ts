import type { ChatState } from "@confab/sdk";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { client } from "../client.ts";
import type { Row } from "./rows.ts";

/** So near to the end, new messages keep the end in view. */
const nearPx = 80;
/** After a page did not come, it is asked for again so much later. */
const pauseMs = 3000;
/** So near to what is not there yet, it is fetched. */
const fetchPx = 600;

const nowhere = { row: undefined, top: 0, scrollTop: 0, height: 0 };

/**
 * Where the log stands. While one is at the end, the end stays in view; else the first message in view stays where it is,
 * whatever comes in above or turns out to be of another height than was thought. The browser's own anchoring is off: not
 * all have it, and it lets go at the very top.
 */
export function useScroll(state: ChatState, rows: readonly Row[]) {
  const box = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const stick = useRef(true);
  const anchor = useRef<{ row: Element | undefined; top: number; scrollTop: number; height: number }>(nowhere);
  const placed = useRef(false);
  /** A message to show as soon as it is drawn. */
  const awaited = useRef<number | undefined>(undefined);
  const [atEnd, setAtEnd] = useState(true);
  const [loading, setLoading] = useState<"older" | "newer">();
  const latest = useRef(state);
  latest.current = state;
  const { chat, window } = state;
  const toNewest = window === null || window.after === null;

  const remember = (shown?: Element) => {
    const log = box.current!;
    const top = log.getBoundingClientRect().top;
    const row = shown ?? firstBelow(inner.current!, top) ?? anchor.current.row;
    const { scrollTop, scrollHeight } = log;
    anchor.current = { row, top: row ? row.getBoundingClientRect().top - top : 0, scrollTop, height: scrollHeight };
  };
  const hold = () => {
    const log = box.current!;
    // Behind a panel there is nothing to hold.
    if (log.clientHeight === 0) return;
    if (awaited.current !== undefined && show(awaited.current)) return;
    const { row, top, scrollTop, height } = anchor.current;
    // Scrolling that no event has told of yet.
    const scrolled = log.scrollTop - scrollTop;
    if (scrolled < -nearPx && log.scrollHeight >= height) stick.current = false;
    if (stick.current) log.scrollTop = log.scrollHeight;
    if (stick.current || !row?.isConnected) return remember();
    const moved = row.getBoundingClientRect().top - log.getBoundingClientRect().top - top + scrolled;
    // Fractions of a pixel would add up to a drift.
    if (Math.abs(moved) >= 1) log.scrollTop += moved;
    remember(row);
  };

  const isAtEnd = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current!;
    const { window } = latest.current;
    return scrollHeight - scrollTop - clientHeight < nearPx && (window === null || window.after === null);
  };
  const see = () => {
    if (document.visibilityState !== "visible") return;
    const { chat } = latest.current;
    const seq = lastSeqAbove(inner.current!, box.current!.getBoundingClientRect().bottom);
    if (seq !== undefined && seq > chat.me.readSeq) client.markRead(chat.id, seq);
  };
  const load = () => {
    const log = box.current;
    // A page may arrive when the chat is closed already, or behind a panel.
    if (!log?.clientHeight) return;
    const { older, window } = latest.current;
    const fetching = (what: "older" | "newer", page: Promise<unknown>) => {
      setLoading(what);
      const pause = () => new Promise((done) => setTimeout(done, pauseMs));
      page.catch(pause).finally(() => setLoading(undefined));
    };
    if (loading) return;
    if (log.scrollTop < fetchPx && (window ? window.before : older) !== null) fetching("older", client.loadOlder(chat.id));
    else if (window && window.after !== null && log.scrollHeight - log.scrollTop - log.clientHeight < fetchPx)
      fetching("newer", client.loadNewer(chat.id));
  };

  const onScroll = () => {
    if (box.current!.clientHeight === 0) return;
    stick.current = isAtEnd();
    setAtEnd(stick.current);
    // Not after what was done here itself.
    if (box.current!.scrollTop !== anchor.current.scrollTop) remember();
    load();
    see();
  };

  const show = (seq: number) => {
    const row = inner.current!.querySelector(`[data-seq="${seq}"]`);
    const here = row && box.current!.clientHeight > 0;
    awaited.current = here ? undefined : seq;
    if (!here) return false;
    row.scrollIntoView({ block: "center" });
    stick.current = isAtEnd();
    remember(row);
    return true;
  };
  /** At first what was not read stands in view, below some of what was. */
  const place = () => {
    placed.current = true;
    const divider = inner.current!.querySelector(".divider");
    const log = box.current!;
    if (!divider) return hold();
    log.scrollTop += divider.getBoundingClientRect().top - log.getBoundingClientRect().top - log.clientHeight / 4;
    stick.current = isAtEnd();
    remember(divider.nextElementSibling!);
  };
  const toEnd = () => {
    client.leaveWindow(chat.id);
    awaited.current = undefined;
    stick.current = true;
    setAtEnd(true);
    hold();
  };

  useLayoutEffect(() => {
    if (placed.current) hold();
    else place();
    see();
  }, [rows]);
  // A page that does not fill the view cannot be scrolled for more.
  useEffect(load, [state.messages, window, loading]);
  // Somewhere else in the chat, its end is not the end.
  useLayoutEffect(() => {
    if (!toNewest) stick.current = false;
    setAtEnd(stick.current);
  }, [toNewest]);
  // Not as an effect that ends later: what goes away changes its size, too.
  useLayoutEffect(() => {
    // A keyboard on the screen, a longer composer, a chunk that is drawn for the first time.
    const sizes = new ResizeObserver(hold);
    sizes.observe(box.current!);
    sizes.observe(inner.current!);
    document.addEventListener("visibilitychange", see);
    return () => {
      sizes.disconnect();
      document.removeEventListener("visibilitychange", see);
    };
  }, []);
  return { box, inner, onScroll, atEnd: atEnd && toNewest, loading, show, toEnd };
}

/* Only what lies right in the log is looked at: to ask for it by a selector would go through all that is in it. */

const isChunk = (element: Element) => element.classList.contains("log-chunk");

/** A message: headings come and go with what is above them. */
function firstBelow(inner: Element, y: number): Element | undefined {
  for (const chunk of inner.children) {
    if (!isChunk(chunk) || chunk.getBoundingClientRect().bottom <= y) continue;
    // Where its upper part is not drawn yet, which of its messages is at y is a guess.
    if (chunk.getBoundingClientRect().top < y && !isDrawn(chunk)) continue;
    for (const row of chunk.children) if (row.classList.contains("message") && row.getBoundingClientRect().bottom > y) return row;
  }
  return undefined;
}

const isDrawn = (chunk: Element) => chunk.firstElementChild!.checkVisibility({ contentVisibilityAuto: true });

function lastSeqAbove(inner: Element, y: number): number | undefined {
  for (let chunk = inner.lastElementChild; chunk; chunk = chunk.previousElementSibling) {
    if (!isChunk(chunk) || chunk.getBoundingClientRect().top >= y) continue;
    for (let row = chunk.lastElementChild; row; row = row.previousElementSibling) {
      const seq = (row as HTMLElement).dataset["seq"];
      if (seq !== undefined && row.getBoundingClientRect().top < y) return Number(seq);
    }
  }
  return undefined;
}

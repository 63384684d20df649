import type { Message } from "@confab/contracts";
import type { ChatState, Outgoing } from "@confab/sdk";
import type { Line } from "../log-parts.ts";
import { dayKey } from "../time.ts";
import { howFar, readersOf, tickOf, type Tick } from "./how-far.ts";

/** One message or one line as it is drawn. Rows that are equal field by field look the same. */
export type Row = MessageRow | LineRow;

interface Place {
  key: string;
  at: string;
  /** Whether a day begins with it. */
  day: boolean;
}

export interface MessageRow extends Place {
  kind: "message";
  /** Its number, or the one that it would have next. */
  seq: number;
  by: string;
  text: string;
  mine: boolean;
  message: Message | undefined;
  outgoing: Outgoing | undefined;
  replyTo: string | undefined;
  /** What it answers, where that is at hand. */
  quoted: Message | undefined;
  /** The first, or the last, of several that one person wrote one after the other. */
  first: boolean;
  last: boolean;
  /** Whether what one has not read begins with it. */
  divider: boolean;
  /** Whether the sender is to be named. */
  named: boolean;
  ticks: Tick | undefined;
  /** How many have read it, at the last own message of a group. */
  readers: number | undefined;
  /** Whether one has jumped to it. */
  target: boolean;
}

export interface LineRow extends Place {
  kind: "line";
  entry: Line;
  /** The settings of the chat before it, where they are known. */
  before: Extract<Line, { type: "chat.created" | "chat.changed" }> | undefined;
}

interface Options {
  state: ChatState;
  messages: readonly Message[];
  lines: readonly Line[];
  myId: string;
  /** What comes after this seq was unread when one came. */
  unreadAfter: number | undefined;
  target: number | undefined;
}

/** So long apart, messages of one person stand apart. */
const pauseMs = 10 * 60_000;

export function rowsOf({ state, messages, lines, myId, unreadAfter, target }: Options): Row[] {
  const { chat, window } = state;
  const atEnd = window === null || window.after === null;
  const outgoing = atEnd ? state.outgoing : [];
  const far = howFar(state, myId);
  const rows: Row[] = messages.map((message) => {
    const mine = message.senderId === myId;
    return {
      kind: "message",
      key: keyOf(message),
      seq: message.seq,
      at: message.createdAt,
      day: false,
      by: message.senderId,
      text: message.text,
      mine,
      message,
      outgoing: undefined,
      replyTo: message.replyTo?.id,
      quoted: message.replyTo ? findMessage(state, message.replyTo.id, message.replyTo.seq) : undefined,
      first: true,
      last: true,
      divider: false,
      named: false,
      ticks: mine && !message.deletedAt ? tickOf(far, message.seq) : undefined,
      readers: undefined,
      target: message.seq === target,
    };
  });
  const lastSeq = messages.at(-1)?.seq ?? 0;
  for (const [at, message] of outgoing.entries()) {
    rows.push({
      kind: "message",
      key: `${myId} ${message.clientMessageId}`,
      seq: lastSeq + 1 + at,
      at: message.at,
      day: false,
      by: myId,
      text: message.text,
      mine: true,
      message: undefined,
      outgoing: message,
      replyTo: message.replyTo,
      quoted: message.replyTo ? findMessage(state, message.replyTo) : undefined,
      first: true,
      last: true,
      divider: false,
      named: false,
      ticks: undefined,
      readers: undefined,
      target: false,
    });
  }
  const all = mergeLines(rows, lines, (window ? window.before : state.older) === null, atEnd);
  mark(all, chat.type === "group", unreadAfter);
  if (chat.type === "group") {
    const own = all.findLast((row): row is MessageRow => row.kind === "message" && row.mine && row.message !== undefined);
    if (own && !own.message?.deletedAt) own.readers = readersOf(state, myId, own.seq).length;
  }
  return all;
}

const keys = new WeakMap<Message, string>();

/** The same before and after a message has got its number. */
function keyOf(message: Message): string {
  const known = keys.get(message);
  if (known !== undefined) return known;
  const key = `${message.senderId} ${message.clientMessageId}`;
  keys.set(message, key);
  return key;
}

/** Lines go by their time, and only where the messages around them are shown. */
function mergeLines(rows: Row[], lines: readonly Line[], fromStart: boolean, toEnd: boolean): Row[] {
  const merged: Row[] = [];
  let before: LineRow["before"];
  let at = 0;
  for (const line of lines) {
    while (at < rows.length && rows[at]!.at <= line.at) merged.push(rows[at++]!);
    const shown = (at > 0 || fromStart) && (at < rows.length || toEnd);
    if (shown) merged.push({ kind: "line", key: `line ${line.rev}`, at: line.at, day: false, entry: line, before });
    if (line.type === "chat.created" || line.type === "chat.changed") before = line;
  }
  return [...merged, ...rows.slice(at)];
}

/** What a row is by its neighbours. */
function mark(rows: Row[], group: boolean, unreadAfter: number | undefined): void {
  let divided = unreadAfter === undefined;
  let previous: Row | undefined;
  let before: Moment | undefined;
  for (const row of rows) {
    const now = momentOf(row);
    row.day = before?.day !== now.day;
    if (row.kind === "message") {
      if (!divided && row.message && row.seq > unreadAfter! && !row.mine) {
        row.divider = true;
        divided = true;
      }
      const goesOn = previous?.kind === "message" && previous.by === row.by && !row.day && now.ms - before!.ms < pauseMs;
      row.first = row.divider || !goesOn;
      row.named = group && !row.mine && row.first;
      if (previous?.kind === "message") previous.last = row.first;
    }
    previous = row;
    before = now;
  }
}

interface Moment {
  day: number;
  ms: number;
}
const moments = new WeakMap<object, Moment>();

/** Asked for every row at every change, and dear to work out. */
function momentOf(row: Row): Moment {
  const thing = row.kind === "line" ? row.entry : (row.message ?? row.outgoing!);
  const known = moments.get(thing);
  if (known) return known;
  const moment = { day: dayKey(row.at), ms: Date.parse(row.at) };
  moments.set(thing, moment);
  return moment;
}

/** A message of which the state knows: in one of its runs, or alone. */
export function findMessage({ messages, window, quoted }: ChatState, id: string, seq?: number): Message | undefined {
  for (const run of [messages, window?.messages ?? []]) {
    const found = seq === undefined ? run.find((message) => message.id === id) : atSeq(run, seq);
    if (found) return found;
  }
  return quoted.get(id);
}

function atSeq(run: readonly Message[], seq: number): Message | undefined {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (run[middle]!.seq < seq) low = middle + 1;
    else high = middle;
  }
  return run[low]?.seq === seq ? run[low] : undefined;
}

export interface Chunk {
  key: string;
  rows: Row[];
}

/** So many are drawn, or skipped, together. */
const chunkSize = 40;

/** Parts of the log that stay the same while older ones come in above and newer ones below. */
export function chunksOf(rows: readonly Row[]): Chunk[] {
  const chunks: Chunk[] = [];
  let seq = 0;
  for (const row of rows) {
    if (row.kind === "message") seq = row.seq;
    const key = `${Math.floor(seq / chunkSize)}`;
    const last = chunks.at(-1);
    if (last?.key === key) last.rows.push(row);
    else chunks.push({ key, rows: [row] });
  }
  return chunks;
}

export function sameRows(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, at) => sameRow(row, b[at]!));
}

/** Written out, since it is done for thousands of rows at every change. */
function sameRow(a: Row, b: Row): boolean {
  if (a.key !== b.key || a.day !== b.day) return false;
  if (a.kind === "line" || b.kind === "line") return a.kind === b.kind && (a as LineRow).before === (b as LineRow).before;
  return (
    a.message === b.message &&
    a.outgoing === b.outgoing &&
    a.quoted === b.quoted &&
    a.first === b.first &&
    a.last === b.last &&
    a.divider === b.divider &&
    a.named === b.named &&
    a.ticks === b.ticks &&
    a.readers === b.readers &&
    a.target === b.target
  );
}

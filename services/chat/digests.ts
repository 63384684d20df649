/* What mail asks of the logs: who may have to be told of something, and what somebody has unread. */
import type { Params, Preferences, Result } from "@confab/contracts";
import { messagesIn } from "./current.ts";
import type { ChatState } from "./fold.ts";
import { seesSeq, visibleSeqs } from "./policies.ts";
import { readSeqOf } from "./present.ts";
import type { ChatService } from "./service.ts";
import type { ChatNote, StoredMessage, UserSubject } from "./store/documents.ts";
import { defaultPreferences, subjects } from "./userlog.ts";
import { mentionsOf } from "./views.ts";

type State = Readonly<ChatState>;
type Service = Pick<ChatService, "store" | "chats" | "userLog">;
type Scan = Result<"chat.digest.scan">;
type Unread = Result<"chat.digest.read">;
type UnreadChat = Unread["chats"][number];

/** Members that one answer is about, and chats whose states are read for it at a time. */
const maxPeople = 10_000;
const statesAtOnce = 50;
/** Messages of a chat that are looked for where its numbers say that the range has left them out. */
const maxMissing = 100;

/** Chats that one mail tells of, messages that are looked at in each of them, those that are told, and the characters of these. */
const maxChats = 20;
const maxLooked = 100;
const maxTold = 5;
const maxCharacters = 300;

/**
 * Who may have something unread by messages that were stored under ids after one. Whatever is up to a chat's `known`
 * seq is passed over, but nothing after it: the range tells which chats have gone on, and their numbers what there is.
 */
export async function scanMessages(
  { store, chats, userLog }: Service,
  { after, limit, known = {} }: Params<"chat.digest.scan">,
  most = maxPeople,
): Promise<Scan> {
  const sent = await store.messagesAfter(after, limit);
  const isNew = ({ chatId, seq }: StoredMessage) => seq > (known[chatId] ?? 0);
  // In the order in which they come first, so that what is before the first of one that is left for later is all done.
  const byChat = [...Map.groupBy(sent.filter(isNew), ({ chatId }) => chatId)];
  const items: Scan["items"] = [];
  let people = 0;
  let done = 0;
  while (done < byChat.length && people < most) {
    const lot = byChat.slice(done, done + statesAtOnce);
    const states = new Map((await chats.latestOf(lot.map(([chatId]) => chatId))).map((state) => [state.chatId, state]));
    for (const [chatId, messages] of lot) {
      if (people >= most) break;
      const state = states.get(chatId)!;
      items.push(await concerned(userLog, state, await withMissing(store, messages, known[chatId])));
      people += state.members.size;
      done++;
    }
  }
  const next = byChat[done]?.[1][0];
  const upTo = next ? sent.indexOf(next) : sent.length;
  return { items, last: sent[upTo - 1]?.messageId ?? null };
}

/** With those that have a number between: stored at the same time as the range was read, or late, or named long before. */
async function withMissing(
  store: ChatService["store"],
  found: readonly StoredMessage[],
  known: number | undefined,
): Promise<StoredMessage[]> {
  const seqs = new Set(found.map(({ seq }) => seq));
  const last = Math.max(...seqs);
  const from = Math.max(known ?? Math.min(...seqs) - 1, last - maxMissing);
  const missing = Array.from({ length: last - from }, (_, at) => from + 1 + at).filter((seq) => !seqs.has(seq));
  return [...found, ...(await store.messagesAt(found[0]!.chatId, missing))];
}

/** Whom these messages of one chat concern. Members as they are now; whom they have blocked is asked when it is read. */
async function concerned(
  userLog: ChatService["userLog"],
  state: State,
  messages: readonly StoredMessage[],
): Promise<Scan["items"][number]> {
  const { chatId, type } = state;
  const seq = Math.max(...messages.map((message) => message.seq));
  const at = Math.min(...messages.map((message) => message.at));
  const now = Date.now();
  const mentions = lastMentions(messages);
  const members = [...state.members].filter(([, member]) => readSeqOf(member, undefined) < seq);
  const logs = await userLog.readOf(
    members.map(([userId]) => userId),
    [subjects.chat(chatId), subjects.preferences],
  );
  const userIds: string[] = [];
  const urgentIds: string[] = [];
  for (const [userId, member] of members) {
    const known = logs.get(userId);
    const note = known?.get(subjects.chat(chatId))?.body as ChatNote | undefined;
    const readSeq = readSeqOf(member, note);
    if (readSeq >= seq || isMuted(note, now)) continue;
    const { notifications, digest } = preferencesOf(known?.get(subjects.preferences));
    const mentioned = Math.max(mentions.get("all") ?? 0, mentions.get(userId) ?? 0);
    const isUrgent = notifications && (type === "direct" || mentioned > readSeq);
    if (digest === "never" && !isUrgent) continue;
    userIds.push(userId);
    if (isUrgent) urgentIds.push(userId);
  }
  return { chatId, seq, at, userIds, urgentIds };
}

/** By user, or "all": the last of these messages that mentions them. */
function lastMentions(messages: readonly StoredMessage[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const { seq, body } of messages)
    for (const whom of [body.mentions ?? []].flat()) last.set(whom, Math.max(last.get(whom) ?? 0, seq));
  return last;
}

const isMuted = (note: ChatNote | undefined, now: number) => (note?.mutedUntil ?? 0) > now;

const preferencesOf = (entry: UserSubject | undefined): Preferences => ({
  ...defaultPreferences,
  ...(entry?.type === "preferences.changed" ? entry.body : {}),
});

/** What somebody has unread beyond what they were told, in chats that they have not muted; archived ones are told of. */
export async function readUnread(service: Service, { userId, told, since = 0 }: Params<"chat.digest.read">): Promise<Unread> {
  const { store, chats, userLog } = service;
  const { entries } = await userLog.after(userId, 0);
  const notes = new Map(entries.flatMap(({ body, type }) => (type === "chat.noted" ? [[body.chatId, body] as const] : [])));
  const blocked = new Set(entries.flatMap(({ body, type }) => (type === "block.changed" && body.blocked ? [body.userId] : [])));
  const preferences = preferencesOf(entries.find(({ type }) => type === "preferences.changed"));
  const now = Date.now();
  const states = (await chats.latestOf(await store.chatsPerhapsOf(userId))).filter(({ members }) => members.has(userId));

  const kept: Record<string, number> = {};
  const candidates: Candidate[] = [];
  for (const state of states) {
    const { chatId, lastSeq, lastAt } = state;
    const note = notes.get(chatId);
    const readSeq = readSeqOf(state.members.get(userId)!, note);
    const toldSeq = told[chatId] ?? 0;
    if (toldSeq > readSeq) kept[chatId] = toldSeq;
    const fromSeq = Math.max(readSeq, toldSeq);
    if (lastSeq <= fromSeq || state.deleted || lastAt < since || isMuted(note, now)) continue;
    candidates.push({ state, userId, blocked, readSeq, fromSeq, toSeq: lastSeq, lastAt, mentions: [] });
  }
  await readMentions(service, candidates, userId, notes);
  candidates.sort((a, b) => Number(isUrgent(b)) - Number(isUrgent(a)) || b.lastAt - a.lastAt);
  const unread: UnreadChat[] = [];
  let at = 0;
  for (; at < candidates.length && unread.length < maxChats; at++) {
    const chat = await unreadIn(service, candidates[at]!);
    if (chat) unread.push(chat);
  }
  return { preferences, chats: unread, more: candidates.length - at, told: kept };
}

/** A chat that has gone on beyond what one of its members has read or was told. */
interface Candidate {
  state: State;
  userId: string;
  blocked: ReadonlySet<string>;
  readSeq: number;
  fromSeq: number;
  toSeq: number;
  lastAt: number;
  /** The messages of the range that mention the user, ascending. */
  mentions: number[];
}

async function readMentions(
  service: Service,
  candidates: readonly Candidate[],
  userId: string,
  notes: ReadonlyMap<string, ChatNote>,
): Promise<void> {
  const states = candidates.map(({ state }) => state);
  const mentions = await mentionsOf(service, states, userId, notes);
  for (const candidate of candidates) {
    const { state, blocked, fromSeq, toSeq } = candidate;
    const seqs = mentions(state).filter((seq) => seq > fromSeq && seq <= toSeq);
    candidate.mentions = hasBlocked(state, blocked) ? await notOf(service, state, seqs, blocked) : seqs;
  }
}

const hasBlocked = (state: State, blocked: ReadonlySet<string>) =>
  [...blocked].some((id) => state.members.has(id) || state.past.has(id));

/** Those of the messages that none of these people has sent. */
async function notOf({ store }: Service, { chatId }: State, seqs: readonly number[], blocked: ReadonlySet<string>) {
  const sent = await store.messagesAt(chatId, seqs);
  const theirs = new Set(sent.filter(({ by }) => blocked.has(by)).map(({ seq }) => seq));
  return seqs.filter((seq) => !theirs.has(seq));
}

const isUrgent = ({ state, mentions }: Candidate) => state.type === "direct" || mentions.length > 0;

/**
 * What there is to tell of one chat; nothing where all of it was deleted or is of people whom the user has blocked. One's
 * own messages are not in the range, since sending moves the pointer, nor is what one may not see, since joining does.
 */
async function unreadIn(service: Service, candidate: Candidate): Promise<UnreadChat | undefined> {
  const { state, userId, blocked, readSeq, fromSeq, toSeq } = candidate;
  const { chatId, type, title } = state;
  const [firstMention] = candidate.mentions;
  const after = Math.max(fromSeq, toSeq - maxLooked);
  // G2: and it is cut to what they may see all the same.
  const ranges = visibleSeqs(state, userId)
    .map(({ from, to }) => ({ from: Math.max(from, after + 1), to: Math.min(to, toSeq) }))
    .filter(({ from, to }) => from <= to);
  const looked = await messagesIn(service, state, userId, ranges);
  const messages = looked
    .filter(({ senderId, deletedAt, text }) => senderId !== userId && !blocked.has(senderId) && deletedAt === null && text !== "")
    .map(({ seq, senderId: by, text, createdAt, mentions }) => ({
      ...{ seq, by, text: cut(text), at: Date.parse(createdAt) },
      isMention: mentions === "all" || mentions.includes(userId),
    }));
  // Of whom the earlier ones are is not looked up. Of somebody blocked not even a number is told.
  const earlier = hasBlocked(state, blocked) ? 0 : after - fromSeq;
  const count = messages.length + earlier;
  if (count === 0) return undefined;
  const atOf = async (seq: number) =>
    messages.find((message) => message.seq === seq)?.at ??
    (
      await service.store.messagesAt(
        chatId,
        [seq].filter((one) => seesSeq(state.members.get(userId)?.sees ?? [], one)),
      )
    )[0]?.at;
  const firstAt = (earlier > 0 ? await atOf(fromSeq + 1) : undefined) ?? messages[0]?.at ?? candidate.lastAt;
  const mentionedAt = firstMention === undefined ? undefined : await atOf(firstMention);
  const urgentAt = type === "direct" ? firstAt : (mentionedAt ?? null);
  return { chatId, type, title, readSeq, fromSeq, toSeq, count, firstAt, urgentAt, messages: latest(messages) };
}

/** The latest few, with the latest that mentions the reader. */
function latest(messages: UnreadChat["messages"]): UnreadChat["messages"] {
  const few = messages.slice(-maxTold);
  const mention = few.some(({ isMention }) => isMention) ? undefined : messages.findLast(({ isMention }) => isMention);
  return mention ? [mention, ...few.slice(1)] : few;
}

function cut(text: string): string {
  // A character has two units at most.
  const characters = [...text.slice(0, 2 * maxCharacters + 2)];
  return characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join("")}…` : text;
}

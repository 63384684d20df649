/* All that chat holds of a user, for the archive that the user may have: page by page, each file after the other. */
import type { Result } from "@confab/contracts";
import { badField } from "@confab/mixins/problem.ts";
import { maxBytes } from "./budget.ts";
import { presentReactions } from "./changes.ts";
import { withChanges } from "./current.ts";
import type { ChatState } from "./fold.ts";
import { isNew } from "./policies.ts";
import { presentUserEntry, time, unpackData } from "./present.ts";
import type { ChatService } from "./service.ts";

type Page = Result<"chat.person.export">;
type Exported = Page["records"][number];

/** Where a page begins: in which file, after which chat, and from which number in the next one. */
interface Place {
  file: (typeof files)[number];
  after: string;
  from: number;
}

const files = ["preferences", "blocks", "user-log", "chats", "messages", "reactions"] as const;
/** Messages that are looked at for a page, at most: those of others among them. */
const seqsAtOnce = 1000;
const chatsAtOnce = 100;
const logAtOnce = 1000;

export async function exportPage(service: ChatService, userId: string, cursor: string | undefined): Promise<Page> {
  const place = cursor === undefined ? begin(files[0]) : readCursor(cursor);
  const { records, next } = await pages[place.file](service, userId, place);
  const following = next ?? files[files.indexOf(place.file) + 1];
  const nextPlace = typeof following === "string" ? begin(following) : following;
  return { records: records.map((record) => ({ file: place.file, record })), cursor: nextPlace ? writeCursor(nextPlace) : null };
}

const begin = (file: Place["file"]): Place => ({ file, after: "", from: 0 });
const writeCursor = ({ file, after, from }: Place) => `${file}:${after}:${from}`;

function readCursor(cursor: string): Place {
  const [file, after = "", from = ""] = cursor.split(":");
  const known = files.find((one) => one === file);
  if (!known || !/^\d+$/.test(from)) throw badField("cursor", "cursor", "is not one that this list gave out");
  return { file: known, after, from: Number(from) };
}

type Gather = (
  service: ChatService,
  userId: string,
  place: Place,
) => Promise<{ records: Exported["record"][]; next?: Place | undefined }>;

const pages: Record<Place["file"], Gather> = {
  async preferences({ userLog }, userId) {
    return { records: [await userLog.preferences(userId)] };
  },

  async blocks({ userLog }, userId) {
    const blocked = await userLog.blocks(userId);
    return { records: blocked.map(({ at, body }) => ({ userId: body.userId, at: time(at) })) };
  },

  async "user-log"({ userLog }, userId, place) {
    const { entries } = await userLog.after(userId, place.from);
    const page = entries.slice(0, logAtOnce);
    const next = entries.length > page.length ? { ...place, from: page.at(-1)!.rev } : undefined;
    return { records: page.map(presentUserEntry), next };
  },

  async chats(service, userId, place) {
    const chatIds = await chatsAfter(service, userId, place.after);
    const states = await service.chats.latestOf(chatIds.slice(0, chatsAtOnce));
    const records = states.filter((state) => wasIn(state, userId)).map((state) => presentMembership(state, userId));
    const next = chatIds.length > chatsAtOnce ? { ...place, after: chatIds[chatsAtOnce - 1]! } : undefined;
    return { records, next };
  },

  messages: (service, userId, place) =>
    chatByChat(service, userId, place, async (state, from, to) => {
      const sent = await service.store.messagesBetween(state.chatId, from, to);
      const own = sent.filter(({ by }) => by === userId);
      const shown = await withChanges(service, state, own, userId);
      const records: Exported["record"][] = [];
      let bytes = 0;
      for (const [at, { reactions: _, senderId: __, rev: ___, ...message }] of shown.entries()) {
        const versions = message.editedAt && !message.deletedAt ? await versionsOf(service, own[at]!) : undefined;
        const record = versions ? { ...message, versions } : message;
        bytes += Buffer.byteLength(JSON.stringify(record));
        // What does not fit is the next page's, but for a single one that is larger by itself.
        if (bytes > maxBytes / 2 && records.length > 0) return { records, upTo: message.seq - 1 };
        records.push(record);
      }
      return { records, upTo: to };
    }),

  reactions: (service, userId, place) =>
    chatByChat(service, userId, place, async (state, from, to) => {
      // Outside of these nothing happened to any message.
      const touched = { from: Math.max(from, state.changedFrom), to: Math.min(to, state.changedTo) };
      const changes = await service.store.changesBetween(state.chatId, touched.from, touched.to, userId);
      const records = changes.flatMap((one) =>
        presentReactions(one, userId).flatMap(({ emoji, mine }) => (mine ? [{ chatId: one.chatId, seq: one.seq, emoji }] : [])),
      );
      return { records, upTo: to };
    }),
};

/** A page out of the next chat that has something, from a number of it on. */
async function chatByChat(
  service: ChatService,
  userId: string,
  place: Place,
  gather: (state: Readonly<ChatState>, from: number, to: number) => Promise<{ records: Exported["record"][]; upTo: number }>,
): ReturnType<Gather> {
  const [chatId, ...others] = await chatsAfter(service, userId, place.after);
  if (chatId === undefined) return { records: [] };
  const following = others.length > 0 ? { ...place, after: chatId, from: 0 } : undefined;
  const state = await service.chats.latest(chatId);
  if (!wasIn(state, userId) || state.deleted) return { records: [], next: following };
  // What happened to messages lately is stored with the rest.
  await service.chats.project([state]);
  const from = Math.max(place.from, 1);
  const { lastSeq } = state;
  const { records, upTo } = await gather(state, from, Math.min(from + seqsAtOnce - 1, lastSeq));
  return { records, next: upTo < lastSeq ? { ...place, from: upTo + 1 } : following };
}

async function chatsAfter({ store }: ChatService, userId: string, after: string): Promise<string[]> {
  return (await store.chatsPerhapsOf(userId)).filter((chatId) => chatId > after).sort();
}

const wasIn = (state: Readonly<ChatState>, userId: string) =>
  !isNew(state) && (state.members.has(userId) || state.past.has(userId));

/** A chat that one is in, or was in: of what it is called now, whoever has left learns nothing. */
function presentMembership({ chatId, type, title, members }: Readonly<ChatState>, userId: string) {
  const me = members.get(userId);
  if (!me) return { chatId, type, member: false };
  return { chatId, type, title, member: true, role: me.role, joinedAt: time(me.joinedAt) };
}

/** What a message said before. */
async function versionsOf({ store }: ChatService, sent: Parameters<typeof withChanges>[2][number]) {
  const words = [sent, ...(await store.editsOf(sent.chatId, sent.body.id))].slice(0, -1);
  return words.map(({ at, body }) => ({
    at: time(at),
    text: body.text,
    mentions: body.mentions ?? [],
    data: unpackData(body.data),
  }));
}

import { setTimeout as pause } from "node:timers/promises";
import type { Entry, UserEntry } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { presentLimits } from "@confab/mixins/limits.ts";
import { problem, toProblem } from "@confab/mixins/problem.ts";
import { Gate } from "@confab/mixins/gate.ts";
import type { IoService } from "./service.ts";
import type { ToldEntry } from "./relay.ts";
import { rooms, send, socketsOf, tellRoom, type UserSocket } from "./sockets.ts";

/** Milliseconds that a note of a chat waits for the chat's own entry, which brings sockets in or takes them out in its turn. */
const settleAfter = 1000;
const maxPause = 30_000;
/** Milliseconds that a reading of a log is waited for. */
const patience = 5000;
/** How far back in a chat's log the adding of somebody is looked for. */
const lookBack = 500;
/** Removals remembered of a chat; the list of somebody's chats is not older than so many. */
const maxDepartures = 1000;

/** The people that an entry puts into its chat. */
export function addedBy(entry: Entry): string[] {
  return entry.type === "chat.created" || entry.type === "member.added" ? entry.data.members.map(({ userId }) => userId) : [];
}

/**
 * Which sockets of this node are in which chats. The log says who is a member, so sockets come and go by its entries,
 * each in its turn: nobody gets what was said before they came or after they went.
 */
export class Membership {
  readonly #service: IoService;
  /** At which rev somebody went, of the chats that this node follows. */
  readonly #departures = new Map<string, Map<string, number>>();
  /** What notes said of people's chats that was not so here yet. */
  readonly #unsettled = new Map<string, Map<string, boolean>>();
  readonly #settling = new Gate(8);

  constructor(service: IoService) {
    this.#service = service;
  }

  /** Subscribes a new socket to all its chats, and says so. */
  async welcome(socket: UserSocket): Promise<void> {
    const { userId, sessionId } = socket.data;
    try {
      // First of all: a chat that is opened from here on brings the socket in by itself.
      await socket.join([rooms.user(userId), rooms.session(sessionId)]);
      const { epoch, userRev, chats } = await call(this.#service.broker, "chat.follow.list", { userId });
      // Whoever has left meanwhile must not be put into rooms that nobody would take them out of.
      if (!socket.connected) return;
      this.#service.users.follow(userId, userRev);
      await Promise.all(chats.map(({ chatId, rev }) => this.#enter(userId, [socket], chatId, rev)));
      await this.#service.cluster.heard();
      if (!socket.connected) return;
      const limits = presentLimits(this.#service.settings);
      send(socket, "ready", { userId, sessionId, epoch, userRev, limits });
    } catch (err) {
      this.#service.logger.warn("A socket could not be subscribed; its client will come again.", toProblem(err).type);
      // Not disconnect(): that tells a client to stay away.
      socket.conn.close();
    }
  }

  /** Gives an entry to its chat's sockets on this node: whom it adds from it on, whom it removes up to it. */
  deliver({ hiddenFrom = [], ...entry }: ToldEntry): void {
    const { io } = this.#service;
    const room = rooms.chat(entry.chatId);
    const added = this.#here(addedBy(entry)).map(rooms.user);
    if (added.length > 0) io.local.in(added).socketsJoin(room);
    // In this room now: whom a later entry brings in may be named here too.
    const blind = this.#here(hiddenFrom)
      .flatMap((userId) => socketsOf(this.#service, rooms.user(userId)))
      .flatMap((socket) => (socket.rooms.has(room) ? [socket.id] : []));
    tellRoom(this.#service, room, "chat:entry", entry, blind);
    // Of a message of another time they get the place and not the words, as they do by sync.
    if (blind.length > 0 && entry.type === "message.edited") {
      const { messageId, seq } = entry.data;
      const wordless = { ...entry, data: { messageId, seq, text: "", mentions: [], data: {} } };
      tellRoom(this.#service, blind, "chat:entry", wordless);
    }
    // G6: entries come in their order, so whoever was removed gets none after this one, by whatever way it came.
    if (entry.type === "member.removed") {
      this.#note(entry.chatId, entry.data.userId, entry.rev);
      io.local.in(rooms.user(entry.data.userId)).socketsLeave(room);
    } else if (entry.type === "chat.deleted") io.local.in(room).socketsLeave(room);
  }

  /** Gives an entry of somebody's own log to their sockets on this node. */
  deliverOwn(userId: string, entry: UserEntry): void {
    tellRoom(this.#service, rooms.user(userId), "user:entry", entry);
    // G6: with a chat goes the right to see who of it is online.
    if (entry.type === "chat.noted" && !entry.data.member) this.#service.presences.reconsider(userId);
    if (entry.type === "chat.noted") this.#settle(userId, entry.data.chatId, entry.data.member);
  }

  /**
   * Brings the sockets of these people into a chat that the entry after `rev` adds them to. Where this node follows the
   * chat, that entry does it in its turn.
   */
  async bringIn(userIds: readonly string[], chatId: string, rev: number): Promise<void> {
    const here = this.#here(userIds);
    if (here.length === 0) return;
    const { chats, io } = this.#service;
    if (chats.at(chatId) !== undefined) return void (await chats.reach(chatId, rev + 1));
    chats.follow(chatId, rev);
    io.local.in(here.map(rooms.user)).socketsJoin(rooms.chat(chatId));
    await this.#catchUp(chatId);
  }

  /** Nobody here follows this chat any more. */
  forget(chatId: string): void {
    this.#departures.delete(chatId);
  }

  #here(userIds: readonly string[]): string[] {
    const { adapter } = this.#service.io.sockets;
    return userIds.filter((userId) => adapter.rooms.has(rooms.user(userId)));
  }

  #note(chatId: string, userId: string, rev: number): void {
    const departures = this.#departures.get(chatId) ?? new Map<string, number>();
    // Last in the order of the map is whoever went last.
    departures.delete(userId);
    departures.set(userId, rev);
    if (departures.size > maxDepartures) departures.delete(departures.keys().next().value!);
    this.#departures.set(chatId, departures);
  }

  /** What was said before this node heard of the chat has gone by. */
  async #catchUp(chatId: string): Promise<void> {
    await this.#service.cluster.heard();
    await Promise.race([this.#service.chats.catchUp(chatId), pause(patience, undefined, { ref: false })]);
  }

  /** Puts sockets of a person into a chat of which it is known that they were a member at `rev`. */
  async #enter(userId: string, sockets: readonly UserSocket[], chatId: string, rev: number): Promise<void> {
    const { chats } = this.#service;
    // What was said before `rev` may have been said before they came: this node goes on to it first.
    while ((chats.at(chatId) ?? rev) < rev) {
      if (!(await chats.reach(chatId, rev, patience, false)) && (chats.at(chatId) ?? rev) < rev) {
        throw problem("unavailable", { detail: "The log of a chat could not be read" });
      }
    }
    // G6: this node may have gone on to their removal since that was read.
    if ((this.#departures.get(chatId)?.get(userId) ?? 0) > rev) return;
    const open = sockets.filter(({ connected }) => connected);
    if (open.length === 0) return;
    chats.follow(chatId, rev);
    for (const socket of open) void socket.join(rooms.chat(chatId));
  }

  /** The sockets of a person that are not where a note says. */
  #strays(userId: string, chatId: string, isMember: boolean): UserSocket[] {
    const room = rooms.chat(chatId);
    return socketsOf(this.#service, rooms.user(userId)).filter((socket) => socket.rooms.has(room) !== isMember);
  }

  /** Sees to it that a person's sockets are where the note says, though the word that should have brought them was lost. */
  #settle(userId: string, chatId: string, isMember: boolean): void {
    const under = this.#unsettled.get(userId);
    if (under) return void under.set(chatId, isMember);
    if (this.#strays(userId, chatId, isMember).length === 0) return;
    const notes = new Map([[chatId, isMember]]);
    this.#unsettled.set(userId, notes);
    void this.#settleAll(userId, notes);
  }

  async #settleAll(userId: string, notes: Map<string, boolean>): Promise<void> {
    for (let wait = settleAfter; notes.size > 0; wait = Math.min(wait * 2, maxPause)) {
      await pause(wait, undefined, { ref: false });
      try {
        await this.#settling.run(() => this.#settleNow(userId, notes));
      } catch (err) {
        this.#service.logger.debug("Somebody's chats could not be looked up yet.", toProblem(err).type);
      }
    }
    this.#unsettled.delete(userId);
  }

  async #settleNow(userId: string, notes: Map<string, boolean>): Promise<void> {
    const open = () => {
      for (const [chatId, isMember] of notes) if (this.#strays(userId, chatId, isMember).length === 0) notes.delete(chatId);
      return [...notes];
    };
    for (const [chatId] of open()) if (this.#service.chats.at(chatId) !== undefined) await this.#catchUp(chatId);
    const asked = open();
    if (asked.length === 0) return;
    const { chats } = await call(this.#service.broker, "chat.follow.list", { userId });
    const revs = new Map(chats.map(({ chatId, rev }) => [chatId, rev]));
    for (const [chatId, isMember] of asked) {
      const rev = revs.get(chatId);
      if (rev === undefined) this.#service.io.local.in(rooms.user(userId)).socketsLeave(rooms.chat(chatId));
      else await this.#letIn(userId, chatId, rev);
      // A note that came meanwhile is looked at for itself.
      if (notes.get(chatId) === isMember) notes.delete(chatId);
    }
  }

  /** Brings in the sockets of a member who is known to be one at `rev`, from their adding on where that is not long ago. */
  async #letIn(userId: string, chatId: string, rev: number): Promise<void> {
    const { chats, broker } = this.#service;
    let from = rev;
    if (chats.at(chatId) === undefined) {
      const after = Math.max(0, rev - lookBack);
      const { items } = await call(broker, "chat.entry.range", { chatId, after, limit: lookBack });
      from = (items.findLast((entry) => addedBy(entry).includes(userId))?.rev ?? rev + 1) - 1;
    }
    await this.#enter(userId, this.#strays(userId, chatId, true), chatId, from);
    await this.#catchUp(chatId);
  }
}

import type { Presence } from "@confab/contracts";
import { Gate } from "@confab/mixins/gate.ts";
import type { Hold, Leases, Seen } from "./leases.ts";

/** A socket that may watch. */
interface Watcher {
  readonly id: string;
  readonly connected: boolean;
  readonly data: { readonly userId: string };
}

/** Whom a socket watches. */
interface Watch<W> {
  watcher: W;
  /** Which of two that were asked for is the later one. */
  turn: number;
  userIds: readonly string[];
  /** Those of them who may be seen. */
  visible: ReadonlySet<string>;
  /** When that is to be asked again. */
  askAt: number;
}

/** Somebody who is watched here. */
interface Watched<W> {
  watches: Set<Watch<W>>;
  /** What was last told of them. */
  seen: Seen | undefined;
  lookAt: number;
}

interface Ways<W> {
  leases: Leases;
  leaseMs: number;
  awayMs: number;
  /** Which of these people a user may see. */
  visible: (userId: string, userIds: readonly string[]) => Promise<readonly string[]>;
  push: (watcher: W, presence: Presence) => void;
  /** Tells every node that something is new of these people. May be lost. */
  hint: (userIds: string[]) => void;
  /** What went wrong, where that will be tried again. */
  onError: (err: unknown) => void;
}

/** Milliseconds that only go on, whatever becomes of the clock. */
const since = () => performance.now();

const askAtOnce = 8;
/** Milliseconds that hints are gathered, so that many are one look. */
const gatherFor = 20;

/**
 * Who is there. Each node says of its own people that they are, again and again, and looks at those whom its sockets
 * watch: at once when another node hints that something is new, and by itself when what it knows holds no longer.
 */
export class Presences<W extends Watcher = Watcher> {
  readonly #ways: Ways<W>;
  /** People with sockets on this node. */
  readonly #here = new Map<string, Hold & { sockets: number }>();
  readonly #watched = new Map<string, Watched<W>>();
  /** By the ids of their sockets. */
  readonly #watches = new Map<string, Watch<W>>();
  readonly #asking = new Gate(askAtOnce);
  readonly #hinted = new Set<string>();
  #gathering: NodeJS.Timeout | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #isTicking = false;
  #renewAt = 0;
  /** Until then nobody is believed to be gone: Redis has come back, perhaps empty. */
  #believeFrom = 0;
  #turn = 0;

  constructor(ways: Ways<W>) {
    this.#ways = ways;
  }

  start(): void {
    this.#ticking = setInterval(() => void this.#tick(), Math.min(1000, this.#ways.leaseMs / 10));
    this.#ticking.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticking);
    clearTimeout(this.#gathering);
    await this.#ways.leases.close();
  }

  /** A socket of theirs has opened on this node. */
  come(userId: string): void {
    const held = this.#here.get(userId);
    if (held) held.sockets++;
    else this.#here.set(userId, { sockets: 1, activeAt: Date.now(), isAway: false });
    if (held) this.touch(userId);
    else void this.#say([userId]);
  }

  /** A socket of theirs on this node has closed. */
  go(userId: string): void {
    const held = this.#here.get(userId);
    if (!held || --held.sockets > 0) return;
    this.#here.delete(userId);
    this.#ways.leases
      .release(userId, held.activeAt)
      .then(() => this.#ways.hint([userId]))
      .catch(this.#ways.onError);
  }

  /** They did something. */
  touch(userId: string): void {
    const held = this.#here.get(userId);
    if (!held) return;
    held.activeAt = Date.now();
    if (!held.isAway) return;
    held.isAway = false;
    void this.#say([userId]);
  }

  /** Something is new of these people. */
  async hear(userIds: readonly string[]): Promise<void> {
    for (const userId of userIds) if (this.#watched.has(userId)) this.#hinted.add(userId);
    if (this.#hinted.size === 0 || this.#gathering) return;
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      const hinted = [...this.#hinted];
      this.#hinted.clear();
      void this.#look(hinted);
    }, gatherFor);
    this.#gathering.unref();
  }

  /** From now on these are whom a socket watches; answers how those are whom it may see. */
  async watch(watcher: W, userIds: readonly string[]): Promise<Presence[]> {
    const turn = ++this.#turn;
    const visible = await this.#visible(watcher, userIds);
    const before = this.#watches.get(watcher.id);
    if (watcher.connected && (before?.turn ?? 0) < turn) {
      const watch = { watcher, turn, userIds, visible: new Set<string>(), askAt: this.#nextAsking() };
      this.#watches.set(watcher.id, watch);
      // In this order, so that what is known of people whom both watch is not forgotten.
      this.#show(watch, visible);
      if (before) this.#show(before, []);
    }
    await this.#lookFirst(visible);
    return visible.map((userId) => present(userId, this.#watched.get(userId)?.seen ?? this.#guess(userId)));
  }

  /** Those of these people who are there and have done something lately, whoever may see that; by what this node knows where Redis is away. */
  async online(userIds: readonly string[]): Promise<string[]> {
    const seen = await this.#ways.leases.read(userIds).catch((err: unknown) => {
      this.#ways.onError(err);
      return new Map(userIds.map((userId) => [userId, this.#guess(userId)]));
    });
    return userIds.filter((userId) => seen.get(userId)?.state === "online");
  }

  /** The socket has closed. */
  unwatch(watcher: W): void {
    const watch = this.#watches.get(watcher.id);
    if (!watch) return;
    this.#watches.delete(watcher.id);
    this.#show(watch, []);
  }

  /** Whom a user may see may have changed: to be asked at the next look, not some time within a lease. */
  reconsider(userId: string): void {
    for (const watch of this.#watches.values()) if (watch.watcher.data.userId === userId) watch.askAt = 0;
  }

  /** Redis is back: what it knew may be lost. */
  returned(): void {
    this.#believeFrom = since() + this.#ways.leaseMs / 2;
    this.#renewAt = 0;
  }

  #visible = async (watcher: W, userIds: readonly string[]) =>
    userIds.length === 0 ? [] : this.#asking.run(() => this.#ways.visible(watcher.data.userId, userIds));

  /** A change of who may see whom takes effect within a lease; not all are asked for at once. */
  #nextAsking = () => since() + this.#ways.leaseMs * (0.6 + 0.3 * Math.random());

  /** What this node knows by itself, where Redis is away. */
  #guess(userId: string): Seen {
    const held = this.#here.get(userId);
    if (!held) return { state: "offline", activeAt: undefined, until: 0 };
    return { state: held.isAway ? "away" : "online", activeAt: held.activeAt, until: 0 };
  }

  /** Lets a watch see these people and no others; answers who came to it. */
  #show(watch: Watch<W>, userIds: readonly string[]): string[] {
    const before = watch.visible;
    watch.visible = new Set(userIds);
    for (const userId of before) {
      if (watch.visible.has(userId)) continue;
      const watched = this.#watched.get(userId);
      watched?.watches.delete(watch);
      if (watched?.watches.size === 0) this.#watched.delete(userId);
    }
    const added = userIds.filter((userId) => !before.has(userId));
    for (const userId of added) {
      const watched = this.#watched.get(userId) ?? { watches: new Set(), seen: undefined, lookAt: 0 };
      watched.watches.add(watch);
      this.#watched.set(userId, watched);
    }
    return added;
  }

  /** Says how people of this node are, then that it is new. */
  async #say(userIds: string[]): Promise<void> {
    try {
      await this.#ways.leases.renew(this.#holds(userIds));
      this.#ways.hint(userIds);
    } catch (err) {
      this.#ways.onError(err);
    }
  }

  #holds(userIds: Iterable<string>): Map<string, Hold> {
    const holds = new Map<string, Hold>();
    for (const userId of userIds) {
      const held = this.#here.get(userId);
      if (held) holds.set(userId, { activeAt: held.activeAt, isAway: held.isAway });
    }
    return holds;
  }

  /** Looks how people are who are watched here, and tells whom that concerns. */
  async #look(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    try {
      for (const [userId, seen] of await this.#ways.leases.read(userIds)) this.#see(userId, seen);
    } catch (err) {
      this.#ways.onError(err);
    }
  }

  /** Looks how people are of whom nothing is known here yet. */
  async #lookFirst(userIds: readonly string[]): Promise<void> {
    await this.#look(userIds.filter((userId) => !this.#watched.get(userId)?.seen));
    for (const userId of userIds) {
      const watched = this.#watched.get(userId);
      // It is told, so that it shows when Redis is back and says otherwise.
      if (watched) watched.seen ??= this.#guess(userId);
    }
  }

  #see(userId: string, seen: Seen): void {
    const watched = this.#watched.get(userId);
    if (!watched) return;
    const now = since();
    const isGone = seen.state === "offline";
    watched.lookAt = !isGone
      ? now + Math.max(0, seen.until - Date.now())
      : now < this.#believeFrom
        ? this.#believeFrom
        : now + this.#ways.leaseMs;
    const before = watched.seen;
    if (isGone && before && now < this.#believeFrom) return;
    watched.seen = seen;
    if (!before || before.state === seen.state) return;
    for (const { watcher } of watched.watches) this.#ways.push(watcher, present(userId, seen));
  }

  async #tick(): Promise<void> {
    if (this.#isTicking) return;
    this.#isTicking = true;
    try {
      await this.#renew();
      const now = since();
      await this.#look([...this.#watched].filter(([, { lookAt }]) => lookAt <= now).map(([userId]) => userId));
      const asking = [...this.#watches.values()].filter(({ askAt }) => askAt <= now);
      await Promise.all(asking.map((watch) => this.#askAgain(watch)));
    } finally {
      this.#isTicking = false;
    }
  }

  /** Says of everybody here anew that they are, and who has fallen idle. */
  async #renew(): Promise<void> {
    if (since() < this.#renewAt) return;
    this.#renewAt = since() + this.#ways.leaseMs / 3;
    const now = Date.now();
    const idle: string[] = [];
    for (const [userId, held] of this.#here) {
      if (held.isAway || now - held.activeAt < this.#ways.awayMs) continue;
      held.isAway = true;
      idle.push(userId);
    }
    try {
      await this.#ways.leases.renew(this.#holds(this.#here.keys()));
      if (idle.length > 0) this.#ways.hint(idle);
    } catch (err) {
      this.#ways.onError(err);
    }
  }

  /** Whom a watch may see, as it is now. Whoever is hidden from it goes as if offline. */
  async #askAgain(watch: Watch<W>): Promise<void> {
    watch.askAt = this.#nextAsking();
    let visible: readonly string[];
    try {
      visible = await this.#visible(watch.watcher, watch.userIds);
    } catch (err) {
      return this.#ways.onError(err);
    }
    if (this.#watches.get(watch.watcher.id) !== watch) return;
    const before = watch.visible;
    const added = this.#show(watch, visible);
    for (const userId of before) {
      if (!watch.visible.has(userId)) this.#ways.push(watch.watcher, { userId, state: "offline", lastActiveAt: null });
    }
    await this.#lookFirst(added);
    for (const userId of added) {
      const seen = this.#watched.get(userId)?.seen;
      if (seen) this.#ways.push(watch.watcher, present(userId, seen));
    }
  }
}

const present = (userId: string, { state, activeAt }: Seen): Presence => ({
  userId,
  state,
  lastActiveAt: activeAt === undefined ? null : new Date(activeAt).toISOString(),
});

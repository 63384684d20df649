// Reads what shim.c recorded, and builds the disk as a power cut at any position would leave it.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../random.ts";

/** The numbers are those of shim.c. */
const kinds = [
  "none",
  "open",
  "create",
  "write",
  "truncate",
  "syncBegin",
  "syncEnd",
  "syncFailed",
  "unlink",
  "rename",
  "mkdir",
  "rmdir",
  "link",
] as const;

interface Operation {
  kind: (typeof kinds)[number];
  /** The position in the journal after it. */
  end: number;
  inode: bigint;
  thread: number;
  /** The offset of a write, or a new size. */
  at: number;
  data: Buffer;
}

const headSize = 32;

/** Every operation up to the first record that is not whole: a killed process may leave one. */
export function* readJournal(file: string): Generator<Operation> {
  const journal = readFileSync(file);
  for (let start = 0; start + headSize <= journal.length;) {
    const length = journal.readUInt32LE(start);
    const kind = journal.readUInt32LE(start + 4);
    const check = (length ^ Math.imul(kind, 2654435761) ^ 0x5d15c0de) >>> 0;
    const end = start + length;
    if (end > journal.length) return;
    if (check !== journal.readUInt32LE(start + 28)) throw new Error(`the record at ${start} is not one of shim.c`);
    yield {
      kind: kinds[kind]!,
      end,
      inode: journal.readBigUInt64LE(start + 8),
      at: Number(journal.readBigUInt64LE(start + 16)),
      thread: journal.readUInt32LE(start + 24),
      data: journal.subarray(start + headSize, end),
    };
    start = end;
  }
}

type Change = { kind: "write"; at: number; data: Buffer } | { kind: "truncate"; size: number };

/** Bytes that grow. */
class Content {
  #bytes: Buffer;
  size: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.size = bytes.length;
  }

  apply(change: Change): void {
    if (change.kind === "truncate") {
      this.#bytes.fill(0, Math.min(change.size, this.size));
      this.#grow(change.size);
      this.size = change.size;
    } else {
      this.#grow(change.at + change.data.length);
      change.data.copy(this.#bytes, change.at);
      this.size = Math.max(this.size, change.at + change.data.length);
    }
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(size, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.size);
    this.#bytes = grown;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.size);
  }
  copy(): Content {
    return new Content(Buffer.from(this.bytes));
  }
}

/** A file, or a folder: that has no content. */
class Node {
  readonly isFolder: boolean;
  /** What an fsync has made durable. */
  readonly durable: Content;
  /** What came after that. */
  pending: Change[] = [];
  /** How many changes there were, and how many of them are durable. */
  changes = 0;
  synced = 0;

  constructor(isFolder: boolean, bytes = Buffer.alloc(0)) {
    this.isFolder = isFolder;
    this.durable = new Content(bytes);
  }

  change(change: Change): void {
    this.pending.push(change);
    this.changes++;
  }

  sync(upTo: number): void {
    while (this.synced < upTo) {
      this.durable.apply(this.pending.shift()!);
      this.synced++;
    }
  }
}

type Names = Map<string, Node>;
/** A change of the names in one folder. */
interface NameChange {
  folder: string;
  apply(names: Names): void;
}

/**
 * What of the changes that were not fsynced is on the disk after the cut. `none`: nothing. `some`: of the names the
 * first few, since file systems keep their order; of each file any blocks, in whatever order they were written back.
 * `all`: everything, as after SIGKILL.
 */
export type Survival = { unsynced: "none" } | { unsynced: "all" } | { unsynced: "some"; random: Random };

/**
 * A disk that keeps only what POSIX promises: the bytes of a file once fsync of the file returned, and its name once
 * fsync of the folder did. The folder itself was there before.
 */
export class Disk {
  /** Names as the process sees them, and as they are on the disk. */
  readonly #names: Names = new Map();
  readonly #durableNames: Names = new Map();
  #pendingNames: (NameChange & { number: number })[] = [];
  #nameChanges = 0;
  readonly #inodes = new Map<bigint, { path: string; node: Node }>();
  /** How far an fsync that has begun will reach, by inode and thread. */
  readonly #syncs = new Map<string, number>();
  readonly #operations: Iterator<Operation, undefined>;
  #next: Operation | undefined;

  /** `base`: what the folder held before the process started, all of it durable. */
  constructor(journal: string, base?: string) {
    this.#operations = readJournal(journal) as Iterator<Operation, undefined>;
    this.#next = this.#operations.next().value;
    this.#names.set("", new Node(true));
    if (base !== undefined) this.#load(base, "");
    for (const [path, node] of this.#names) this.#durableNames.set(path, node);
  }

  #load(base: string, below: string): void {
    for (const entry of readdirSync(join(base, below), { withFileTypes: true })) {
      const path = join(below, entry.name);
      if (entry.isDirectory()) {
        this.#names.set(path, new Node(true));
        this.#load(base, path);
      } else this.#names.set(path, new Node(false, readFileSync(join(base, path))));
    }
  }

  /** Goes on to the last record that is whole at this position. */
  advance(position: number): void {
    while (this.#next && this.#next.end <= position) {
      this.#apply(this.#next);
      this.#next = this.#operations.next().value;
    }
  }

  /** How many changes a cut here would leave to chance. */
  get unsynced(): number {
    const nodes = new Set(this.#names.values());
    return this.#pendingNames.length + [...nodes].reduce((sum, { pending }) => sum + pending.length, 0);
  }

  #apply(operation: Operation): void {
    const { kind, inode, at, data, thread } = operation;
    const sync = `${inode} ${thread}`;
    switch (kind) {
      case "open":
      case "create":
        return this.#open(kind, inode, data.toString());
      case "write":
        return this.#node(inode).change({ kind: "write", at, data });
      case "truncate":
        return this.#node(inode).change({ kind: "truncate", size: at });
      case "syncBegin":
        this.#syncs.set(sync, this.#node(inode).isFolder ? this.#nameChanges : this.#node(inode).changes);
        return;
      case "syncEnd":
        return this.#sync(inode, this.#syncs.get(sync)!);
      case "syncFailed":
        // Linux then takes the pages for clean: a later fsync says nothing about them. They stay to chance until rewritten.
        return this.#forsake(inode, this.#syncs.get(sync)!);
      case "unlink":
      case "rmdir":
        return this.#rename(data.toString(), (names, path) => names.delete(path));
      case "mkdir": {
        const node = new Node(true);
        return this.#rename(data.toString(), (names, path) => names.set(path, node));
      }
      case "rename":
      case "link":
        return this.#move(data.toString().split("\0") as [string, string], kind === "rename");
      default:
        throw new Error(`shim.c recorded ${kind}`);
    }
  }

  #node(inode: bigint): Node {
    const open = this.#inodes.get(inode);
    if (!open) throw new Error(`inode ${inode} was never opened`);
    return open.node;
  }

  #open(kind: "open" | "create", inode: bigint, path: string): void {
    if (kind === "create") {
      const node = new Node(false);
      this.#rename(path, (names) => names.set(path, node));
    }
    const node = this.#names.get(path);
    if (!node) throw new Error(`${path} was made by a call that shim.c does not hook`);
    this.#inodes.set(inode, { path, node });
  }

  #sync(inode: bigint, upTo: number): void {
    const { path, node } = this.#inodes.get(inode)!;
    if (!node.isFolder) return node.sync(upTo);
    const reached = (change: { folder: string; number: number }) => change.folder === path && change.number <= upTo;
    for (const change of this.#pendingNames.filter(reached)) change.apply(this.#durableNames);
    this.#pendingNames = this.#pendingNames.filter((change) => !reached(change));
  }

  #forsake(inode: bigint, upTo: number): void {
    const node = this.#node(inode);
    if (node.isFolder) return;
    node.pending.splice(0, Math.max(0, upTo - node.synced));
    node.synced = Math.max(node.synced, upTo);
  }

  #rename(path: string, apply: (names: Names, path: string) => void): void {
    apply(this.#names, path);
    const folder = dirname(path) === "." ? "" : dirname(path);
    this.#pendingNames.push({ folder, number: ++this.#nameChanges, apply: (names) => apply(names, path) });
  }

  #move([from, to]: [string, string], removes: boolean): void {
    const node = this.#names.get(from);
    if (!node) throw new Error(`${from} was made by a call that shim.c does not hook`);
    if (node.isFolder) throw new Error(`moving the folder ${from} is not supported`);
    this.#rename(to, (names) => {
      if (removes) names.delete(from);
      names.set(to, node);
    });
  }

  /** Writes the disk as a power cut leaves it to a folder that is not there yet. */
  write(folder: string, survival: Survival): void {
    mkdirSync(folder, { recursive: true });
    const names = new Map(this.#durableNames);
    for (const change of keep(this.#pendingNames, survival)) change.apply(names);
    for (const [path, node] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      // A file in a folder whose own name was lost cannot be reached.
      if (!isFolder(join(folder, dirname(path)))) continue;
      if (node.isFolder) mkdirSync(join(folder, path), { recursive: true });
      else writeFileSync(join(folder, path), contentAfter(node, survival).bytes);
    }
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function keep<T>(changes: readonly T[], survival: Survival): readonly T[] {
  if (survival.unsynced === "none") return [];
  if (survival.unsynced === "all") return changes;
  return changes.slice(0, Math.floor(survival.random() * (changes.length + 1)));
}

function contentAfter(node: Node, survival: Survival): Content {
  if (survival.unsynced === "none" || node.pending.length === 0) return node.durable;
  const content = node.durable.copy();
  if (survival.unsynced === "all") {
    for (const change of node.pending) content.apply(change);
    return content;
  }
  const { random } = survival;
  // Nearly nothing, half, or nearly all, in sectors or in pages.
  const chance = [0.05, 0.5, 0.95][Math.floor(random() * 3)]!;
  const block = random() < 0.5 ? 512 : 4096;
  for (const change of node.pending) for (const part of split(change, block)) if (random() < chance) content.apply(part);
  return content;
}

function split(change: Change, block: number): Change[] {
  if (change.kind === "truncate") return [change];
  const parts: Change[] = [];
  const { at, data } = change;
  for (let from = 0; from < data.length;) {
    const to = Math.min(data.length, from + block - ((at + from) % block));
    parts.push({ kind: "write", at: at + from, data: data.subarray(from, to) });
    from = to;
  }
  return parts;
}

/* The times within ranges of orders, as they are recorded in `eras` and `blocks`. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Sizes } from "./layout.ts";

export interface Bounds {
  minAt: number;
  maxAt: number;
}

export class TimeBounds {
  readonly #sizes: Sizes;
  /** One entry for 16,384 messages: all of them fit into memory. */
  readonly #eras: Map<number, Bounds>;
  readonly #blocksOf: StatementSync;
  readonly #widen: Record<"era" | "block", StatementSync>;
  /** Bounds that were changed and are not stored yet. */
  #changed = { era: new Map<number, Bounds>(), block: new Map<number, Bounds>() };

  constructor(db: DatabaseSync, sizes: Sizes) {
    this.#sizes = sizes;
    const eras = db.prepare("select era, minAt, maxAt from eras").all() as unknown as ({ era: number } & Bounds)[];
    this.#eras = new Map(eras.map(({ era, minAt, maxAt }) => [era, { minAt, maxAt }]));
    this.#blocksOf = db.prepare("select block, minAt, maxAt from blocks where block between ? and ? order by block");
    const widen = (table: string) =>
      db.prepare(`
        insert into ${table} values (?, ?, ?)
        on conflict do update set minAt = min(minAt, excluded.minAt), maxAt = max(maxAt, excluded.maxAt)
      `);
    this.#widen = { era: widen("eras"), block: widen("blocks") };
  }

  eraOf(order: number): number {
    return Math.floor(order / this.#sizes.era);
  }

  blockOf(order: number): number {
    return Math.floor(order / this.#sizes.block);
  }

  eras(): [era: number, Bounds][] {
    return [...this.#eras];
  }

  /** Those of an era, ascending. */
  blocksOf(era: number): ({ block: number } & Bounds)[] {
    const perEra = this.#sizes.era / this.#sizes.block;
    return this.#blocksOf.all(era * perEra, (era + 1) * perEra - 1) as unknown as ({ block: number } & Bounds)[];
  }

  minAt(): number {
    return Math.min(...[...this.#eras.values()].map(({ minAt }) => minAt));
  }

  note(order: number, at: number): void {
    widen(this.#changed.era, this.eraOf(order), at, at);
    widen(this.#changed.block, this.blockOf(order), at, at);
  }

  /** Stores what was noted, as part of the transaction that stores the messages. */
  store(): void {
    for (const kind of ["era", "block"] as const)
      for (const [number, { minAt, maxAt }] of this.#changed[kind]) this.#widen[kind].run(number, minAt, maxAt);
    for (const [era, { minAt, maxAt }] of this.#changed.era) widen(this.#eras, era, minAt, maxAt);
    this.#changed = { era: new Map(), block: new Map() };
  }
}

function widen(bounds: Map<number, Bounds>, number: number, minAt: number, maxAt: number): void {
  const known = bounds.get(number);
  bounds.set(number, {
    minAt: Math.min(minAt, known?.minAt ?? Infinity),
    maxAt: Math.max(maxAt, known?.maxAt ?? -Infinity),
  });
}

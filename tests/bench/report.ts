// One table of the bench. A measure that fails takes a line of it, and the others go on.

/** One line. */
export interface Row {
  what: string;
  cells: string[];
}

/** No measure takes longer than this; the longest fills a store with millions of messages. */
const defaultLimitMs = 5 * 60_000;

export class Report {
  readonly #title: string;
  readonly #columns: readonly string[];
  readonly #rows: Row[] = [];
  readonly #failures: string[] = [];

  constructor(title: string, columns: readonly string[]) {
    this.#title = title;
    this.#columns = columns;
  }

  get failed(): boolean {
    return this.#failures.length > 0;
  }

  add(...rows: Row[]): void {
    this.#rows.push(...rows);
  }

  /** Runs one measure, or what several need; where that fails, a line says so. */
  async measure(what: string, work: () => Promise<Row[] | void>, limitMs = defaultLimitMs): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took longer than ${limitMs / 1000} s`)), limitMs);
    });
    try {
      this.add(...((await Promise.race([work(), late])) ?? []));
    } catch (error) {
      this.add({ what, cells: ["failed"] });
      this.#failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The table as text, and below it why which measure failed; empty where nothing was measured. */
  toString(): string {
    if (this.#rows.length === 0) return "";
    const head: Row = { what: this.#title, cells: [...this.#columns] };
    const all = [head, ...this.#rows];
    const first = Math.max(...all.map(({ what }) => what.length));
    const widths = this.#columns.map((_, at) => Math.max(...all.map(({ cells }) => (cells[at] ?? "").length)));
    const line = ({ what, cells }: Row) =>
      [what.padEnd(first), ...widths.map((width, at) => (cells[at] ?? "").padStart(width))].join("  ").trimEnd();
    const rule = "-".repeat(first + widths.reduce((sum, width) => sum + width + 2, 0));
    const failures = this.#failures.map((failure) => `\nfailed: ${failure}`);
    return [line(head), rule, ...this.#rows.map(line), ...failures].join("\n");
  }
}

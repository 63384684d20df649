/** Lets so many pieces of work go on at a time; the others wait in the order of their coming, and as many as may. */
export class Gate {
  readonly #width: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(width: number, mostWaiting = Infinity) {
    this.#width = width;
    this.#mostWaiting = mostWaiting;
  }

  /** Whether there is no room even to wait. */
  get isFull(): boolean {
    return this.#inside >= this.#width && this.#waiting.length >= this.#mostWaiting;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#width) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inside++;
    try {
      return await work();
    } finally {
      // Whoever waits takes this place, so that nobody who comes now slips in before.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inside--;
    }
  }
}

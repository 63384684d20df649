import { nameFailure, type QueueLog } from "../queue/queue.ts";

/** One that fails once or twice tells nobody: nodes come and go. */
const tellFrom = 3;

/** Something that is done again and again, each time to its end. */
export class Turn {
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #failures = 0;

  constructor(what: string, act: () => Promise<unknown>, everyMs: number, log: QueueLog) {
    const run = async () => {
      try {
        await act();
        if (this.#failures >= tellFrom) log.info(`Can ${what} again`);
        this.#failures = 0;
      } catch (err) {
        // Once: a deployment may be without the services that are asked. Nothing is lost by it.
        if (++this.#failures === tellFrom) log.warn(`Cannot ${what}, will go on trying: ${nameFailure(err)}`);
      }
    };
    // One that takes longer than that is not begun again.
    const turn = () => void (this.#running ??= run().finally(() => (this.#running = undefined)));
    this.#timer = setInterval(turn, everyMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}

import { setTimeout as pause } from "node:timers/promises";
import { connect, type ChannelModel, type ConfirmChannel } from "amqplib";
import { nameFailure, within, type QueueLog } from "./queue.ts";

const firstPauseMs = 250;
const longestPauseMs = 10_000;
const connectTimeoutMs = 5000;
/** A RabbitMQ that fell silent is given up after about two of these. */
const heartbeatSeconds = 5;

type SetUp = (channel: ConfirmChannel) => Promise<void>;

/** One channel to RabbitMQ that is opened anew, after growing pauses, whenever it or its connection is lost. */
export class RabbitLink {
  readonly #url: string;
  readonly #setUp: SetUp;
  readonly #log: QueueLog;
  readonly #closing = new AbortController();
  #channel: ConfirmChannel | undefined;
  #ended: Promise<void> | undefined;

  /** `setUp` declares and consumes on each new channel before anybody else gets it. */
  constructor(url: string, setUp: SetUp, log: QueueLog) {
    this.#url = withHeartbeat(url);
    this.#setUp = setUp;
    this.#log = log;
  }

  open(): void {
    this.#ended ??= this.#keepOpen();
  }

  /** Undefined while there is none. */
  get channel(): ConfirmChannel | undefined {
    return this.#channel;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    // One that is silent is waited for a moment, in which what was acknowledged gets there.
    const closing = (async () => this.#channel?.close())();
    await within(1000, closing, "silent").catch(() => {});
    await this.#ended;
  }

  async #keepOpen(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures++) {
      let connection: ChannelModel | undefined;
      try {
        connection = await connect(this.#url, { noDelay: true, timeout: connectTimeoutMs });
        connection.on("error", () => {}); // a close follows
        const channel = await connection.createConfirmChannel();
        channel.on("error", () => {}); // here, too
        const lost = new Promise<void>((resolve) => channel.once("close", resolve));
        await Promise.race([this.#setUp(channel), lost.then(() => Promise.reject(new Error("lost at set-up")))]);
        failures = 0;
        this.#channel = channel;
        this.#log.info("Connected to RabbitMQ");
        await lost;
        if (!signal.aborted) this.#log.warn("The channel to RabbitMQ is lost, opening another");
      } catch (err) {
        if (!signal.aborted) this.#log.warn(`RabbitMQ is not reached, trying again: ${nameFailure(err)}`);
      } finally {
        this.#channel = undefined;
        if (connection) await within(1000, connection.close(), "silent").catch(() => {});
      }
      const pauseMs = Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
      // Not all nodes at the same instant.
      await pause(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }
}

function withHeartbeat(given: string): string {
  const url = new URL(given);
  if (!url.searchParams.has("heartbeat")) url.searchParams.set("heartbeat", String(heartbeatSeconds));
  return url.href;
}

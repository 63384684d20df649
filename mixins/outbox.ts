/* Mails lie in the document of their cause until the mail service has them: one write stores both, or neither. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { FieldError, Language, MailJob } from "@confab/contracts";
import type { Service, ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import { call } from "./define.ts";
import { toProblem } from "./problem.ts";
import type { Collection, Document, Index } from "./store/collection.ts";

/** What a document that may cause a mail has room for. */
export interface Mailing extends Document {
  /** Mails that the mail service may not have yet, each `jobId.words`. */
  mails?: string[];
  /** A UUIDv7, another one whenever a mail was added: whoever removes them removes those that it read. */
  mailsAt?: string;
}

export const mailsIndex = {
  name: "mailsAt",
  fields: ["mailsAt"],
  sparse: true,
  carries: "G5: mails that the mail service may not have yet, the oldest first.",
} as const satisfies Index<Mailing>;

/** A mail that a service causes. */
export type CausedMail = MailJob & { language?: Language | undefined };

/** A mail in the form in which a document keeps it. */
export interface Enclosed {
  mail: string;
  mailsAt: string;
}

/** The fields of a new document that encloses a mail, or none. */
export const enclosing = (enclosed: Enclosed | undefined): Pick<Mailing, "mails" | "mailsAt"> =>
  enclosed ? { mails: [enclosed.mail], mailsAt: enclosed.mailsAt } : {};

/** Milliseconds between two looks while mails may wait: for so long after one was caused here, or was found. */
const lookEvery = 2000;
const busyFor = 10_000;
/** Otherwise, for what another process left behind. With the time of a look this is under the ten seconds that G5 allows. */
const idleEvery = 8000;
/** How long whoever causes a mail waits for the mail service; after that the mail goes out later. */
const patience = 1500;
/** How long the mail service may take with one. */
const timeout = 5000;
/** How long a mail that fails validation is kept: in a rolling update a mail node of the new version may accept it (G9). */
const refusedMs = 3_600_000;
const atOnce = 20;

interface Parts<N extends string> {
  broker: ServiceBroker;
  logger: Pick<Service["logger"], "error" | "warn" | "debug">;
  /** The first one seals, each of them opens; left out, mails lie there as they are. */
  keys?: readonly Buffer[];
  /** Where mails may lie, by the name under which they are bound to it. */
  collections: Record<N, Collection<Mailing>>;
}

/** What became of a mail: `away` is that of all of them for now. */
type Verdict = "taken" | "dropped" | "kept" | "away";

/**
 * Hands mails over to the mail service: right after their cause, and what a dying process or an absent mail service left
 * by the next look of any node. Several may do it at once, since a mail has its number before it is stored.
 */
export class Outbox<N extends string = string> {
  readonly #parts: Parts<N>;
  readonly #timer: NodeJS.Timeout;
  readonly #inHand = new Map<string, Promise<Verdict>>();
  /** Where the next look begins, so that what cannot be handed over keeps nobody else waiting. */
  readonly #from = new Map<string, string>();
  #looking: Promise<void> | undefined;
  #lookedAt = -Infinity;
  #busyUntil = 0;
  #isAway = false;
  #stopped = false;

  constructor(parts: Parts<N>) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#tick(), lookEvery).unref();
  }

  /** G5: the mail as the document of its cause is to hold it, by the same write. It opens there and nowhere else. */
  enclose(collection: N, documentId: string, mail: CausedMail): Enclosed {
    this.#busyUntil = performance.now() + busyFor;
    const jobId = uuid();
    const words = JSON.stringify(mail);
    const [key] = this.#parts.keys ?? [];
    const place = `${collection}|${documentId}|${jobId}`;
    return { mail: `${jobId}.${key ? seal(key, words, place) : words}`, mailsAt: uuid() };
  }

  /** Hands over what a document encloses, as long as that takes no time; else it is left to a later look. Throws nothing. */
  async handOver(collection: N, document: Mailing | null): Promise<void> {
    if (!document?.mailsAt) return;
    await Promise.race([this.#take(collection, document), pause(patience, undefined, { ref: false })]);
  }

  #tick(): void {
    const now = performance.now();
    // A tick may come a little early.
    if (now < this.#busyUntil || now - this.#lookedAt > idleEvery - lookEvery / 2) void this.look();
  }

  look(): Promise<void> {
    this.#lookedAt = performance.now();
    this.#looking ??= this.#lookAll().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** What is in hand gets a moment; the rest is another node's, or waits for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    const inHand = Promise.allSettled([...this.#inHand.values(), this.#looking]);
    await Promise.race([inHand, pause(patience, undefined, { ref: false })]);
  }

  async #lookAll(): Promise<void> {
    try {
      for (const name of Object.keys(this.#parts.collections) as N[]) await this.#lookIn(name);
    } catch (err) {
      this.#parts.logger.debug(`Mails will be handed over later: ${nameOf(err)}`);
    }
  }

  async #lookIn(name: N): Promise<void> {
    while (!this.#stopped) {
      const range = { mailsAt: { $gt: this.#from.get(name) ?? "" } };
      const page = await this.#parts.collections[name].find(range, { sort: { mailsAt: 1 }, limit: atOnce });
      if (page.length > 0) this.#busyUntil = performance.now() + busyFor;
      const isLast = page.length < atOnce;
      this.#from.set(name, isLast ? "" : page.at(-1)!.mailsAt!);
      const verdicts = await Promise.all(page.map((document) => this.#take(name, document)));
      if (isLast || verdicts.includes("away")) return;
    }
  }

  /** One at a time of each document on this node. */
  #take(name: N, document: Mailing): Promise<Verdict> {
    const id = `${name}|${document._id}|${document.mailsAt}`;
    const known = this.#inHand.get(id);
    if (known) return known;
    const taking = this.#empty(name, document)
      .catch((err: unknown): Verdict => {
        this.#parts.logger.debug(`A mail will be handed over later: ${nameOf(err)}`);
        return "kept";
      })
      .finally(() => this.#inHand.delete(id));
    this.#inHand.set(id, taking);
    return taking;
  }

  async #empty(name: N, { _id, mails = [], mailsAt }: Mailing): Promise<Verdict> {
    const left: string[] = [];
    let verdict: Verdict = "taken";
    for (const mail of mails) {
      if (verdict !== "away") verdict = await this.#hand(name, _id, mail);
      if (verdict === "kept" || verdict === "away") left.push(mail);
    }
    if (left.length === mails.length && left.length > 0) return verdict;
    // G5: not what was added since it was read, nor what another node has found to be left.
    await this.#parts.collections[name].updateOne(
      { _id, mailsAt: mailsAt! },
      left.length > 0 ? { $set: { mails: left, mailsAt: uuid() } } : { $unset: { mails: true, mailsAt: true } },
    );
    return verdict;
  }

  async #hand(name: N, documentId: string, text: string): Promise<Verdict> {
    const { broker } = this.#parts;
    const jobId = text.slice(0, text.indexOf("."));
    const mail = this.#open(text.slice(jobId.length + 1), `${name}|${documentId}|${jobId}`);
    if (!mail) return this.#refused(jobId, { template: "unknown", errors: [] });
    const { template, to, data, language } = mail;
    try {
      // G5: under its number, however often it is handed over, it is the same mail.
      await call(broker, "mail.job.accept", { jobId, template, to, data, ...(language ? { language } : {}) }, { timeout });
      this.#isAway = false;
      return "taken";
    } catch (err) {
      const { type, data: facts } = toProblem(err);
      if (type === "bad_input") return this.#refused(jobId, { template, errors: facts.errors ?? [] });
      if (!this.#isAway) this.#parts.logger.warn(`Mails wait, the mail service does not take them now: ${type}`);
      this.#isAway = true;
      return type === "unavailable" ? "away" : "kept";
    }
  }

  #refused(jobId: string, { template, errors }: { template: string; errors: readonly FieldError[] }): Verdict {
    if (Date.now() - timeOf(jobId) < refusedMs) return "kept";
    const fields = errors.map(({ field, code }) => `${field} ${code}`).join(", ");
    this.#parts.logger.error(`The mail ${jobId} (${template}) is given up: ${fields || "no key opens it"}`);
    return "dropped";
  }

  #open(sealed: string, place: string): CausedMail | undefined {
    const { keys } = this.#parts;
    const words = keys ? keys.map((key) => unseal(key, sealed, place)).find((opened) => opened !== undefined) : sealed;
    return words === undefined ? undefined : (JSON.parse(words) as CausedMail);
  }
}

/** Without its words, which may be those of a mail. */
const nameOf = (err: unknown) => (err instanceof Error ? err.name : "unknown");

/** Milliseconds since 1970 when a UUIDv7 was made. */
const timeOf = (id: string) => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

const algorithm = "aes-256-gcm";
const ivBytes = 12;
const tagBytes = 16;

function seal(key: Buffer, words: string, place: string): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, key, iv).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([cipher.update(words, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
}

/** The words, where this is the key and the place that they were sealed with. */
function unseal(key: Buffer, text: string, place: string): string | undefined {
  const bytes = Buffer.from(text, "base64url");
  const tag = bytes.subarray(ivBytes, ivBytes + tagBytes);
  try {
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
      .setAAD(Buffer.from(place))
      .setAuthTag(tag);
    return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return undefined;
  }
}

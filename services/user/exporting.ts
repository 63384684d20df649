/* Archives of all that is held of somebody: asked for, made in the background by any node, and mailed as a link. */
import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Result } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import type { Enclosed } from "@confab/mixins/outbox.ts";
import type { ServiceSchema } from "moleculer";
import { v4 as uuid } from "uuid";
import { provedEmail } from "./addresses.ts";
import { Archive } from "./archive.ts";
import { isBanned } from "./policies.ts";
import { presentData, presentTime } from "./present.ts";
import type { UserService } from "./service.ts";
import type { StoredReport } from "./store/admin.store.ts";
import type { StoredSession, StoredUser } from "./store/documents.ts";
import type { StoredExport, TakenExport } from "./store/people.store.ts";
import { isSame } from "./tokens.ts";

/** For what another node left behind: a request is looked at by the node that takes it, at once. */
export const lookEvery = 10_000;
/** After so long without a sign of life a worker is taken for dead, and another one begins anew. */
const leaseMs = 60_000;
/** Before it is tried again, where some service did not answer. */
export const retryMs = 30_000;
/** How long a stop waits for what is in hand; then that is another node's when its lease is over. */
const stopPatience = 1500;
const day = 86_400_000;

export type ExportingService = UserService & { exporter?: Exporter };

/** Listed before the store, so that it stops before that closes. */
export const exporting = {
  started(this: ExportingService) {
    this.exporter = new Exporter(this);
  },
  async stopped(this: ExportingService) {
    await this.exporter?.stop();
  },
} as unknown as Partial<ServiceSchema>;

/** Looks for archives to make, one at a time on each node. */
export class Exporter {
  readonly #service: UserService;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #stopped = false;

  constructor(service: UserService) {
    this.#service = service;
    this.#timer = setInterval(() => void this.look(), lookEvery).unref();
  }

  look(): Promise<void> {
    this.#lookAgain = true;
    this.#looking ??= this.#work().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #work(): Promise<void> {
    try {
      while (this.#lookAgain && !this.#stopped) {
        this.#lookAgain = false;
        this.#lookAgain ||= await makeNext(this.#service, () => this.#stopped);
      }
    } catch (err) {
      this.#service.logger.debug("Could not look for archives to make, will try again", err);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.race([this.#looking, pause(stopPatience, undefined, { ref: false })]);
  }
}

/** Makes the next archive that waits, if there is one; whether there was. */
export async function makeNext(service: UserService, isStopped: () => boolean = () => false): Promise<boolean> {
  const { people } = service.store;
  const taken = await people.takeExport(uuid(), Date.now(), leaseMs);
  if (!taken) return false;
  const user = await service.store.userById(taken.userId);
  if (!user || user.erasing || user.erasedAt) {
    await people.removeExport(taken._id);
    return true;
  }
  try {
    const { parts, bytes } = await make(service, user, taken, isStopped);
    const now = Date.now();
    const made = { parts, bytes, readyAt: now, expiresAt: now + service.settings.EXPORT_DAYS * day };
    const ready = await people.finishExport(taken, made, await readyMail(service, taken));
    if (ready) service.logger.info(`An archive is ready: ${bytes} bytes in ${parts} parts`);
    else await people.removeParts(taken);
    await service.outbox.handOver("exports", ready);
  } catch (err) {
    service.logger.warn(`An archive is not ready, will try again: ${(err as Error).message}`);
    await people.removeParts(taken);
    await people.leaseExport(taken, isStopped() ? 0 : Date.now() + retryMs);
  }
  return true;
}

async function make(service: UserService, user: StoredUser, taken: TakenExport, isStopped: () => boolean): Promise<Archive> {
  const { people } = service.store;
  let heldUntil = 0;
  /** Whoever was taken for dead meanwhile goes no further. */
  const hold = async () => {
    if (isStopped()) throw new Error("this node stops");
    if (Date.now() < heldUntil - (leaseMs * 2) / 3) return;
    heldUntil = Date.now() + leaseMs;
    if (!(await people.leaseExport(taken, heldUntil))) throw new Error("another node has it in hand");
  };
  const archive = new Archive(async (part, bytes) => {
    await hold();
    await people.putPart(taken, part, bytes.toString("base64"));
  });
  await archive.write("account.json", `${JSON.stringify(await presentAccount(service, user), null, 2)}\n`);
  const avatar = user.avatarId && (await people.avatarById(user.avatarId));
  if (avatar) await archive.writeBytes("avatar.webp", Buffer.from(avatar.base64, "base64"));
  for (const session of await service.store.sessionsOf(user._id))
    await archive.write("sessions.ndjson", line(presentSession(session)));
  for (const report of await service.store.admin.reportsBy(user._id))
    await archive.write("reports.ndjson", line(presentOwnReport(report)));
  for (const pages of [chatPages(service, user), mailPages(service, user)]) {
    for await (const records of pages) {
      await hold();
      for (const { file, record } of records) await archive.write(`${file}.ndjson`, line(record));
    }
  }
  await archive.write("README.txt", readme(archive.names));
  await archive.end();
  return archive;
}

const line = (record: unknown) => `${JSON.stringify(record)}\n`;

type Page = Result<"chat.person.export">;

const chatPages = ({ broker }: UserService, { _id: userId }: StoredUser) =>
  allPages((more) => call(broker, "chat.person.export", { userId, ...more }));

const mailPages = ({ broker }: UserService, user: StoredUser) => {
  const email = provedEmail(user);
  return allPages((more) => call(broker, "mail.person.export", { userId: user._id, emails: email ? [email] : [], ...more }));
};

async function* allPages(ask: (more: { cursor?: string }) => Promise<Page>): AsyncGenerator<Page["records"]> {
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page: Page = await ask(cursor === undefined ? {} : { cursor });
    yield page.records;
    cursor = page.cursor;
  }
}

/** Without hashes and secrets: they are of use to nobody but whoever would sign in with them. */
async function presentAccount({ store }: UserService, user: StoredUser) {
  const { _id, externalId, email, emailVerified, name, data, role = "user", ban, eraseAt, createdAt } = user;
  return {
    ...{ id: _id, externalId, email, emailVerified: email === undefined ? undefined : emailVerified !== false },
    ...{ name, data: presentData(data), role, createdAt: presentTime(createdAt) },
    ...{ hasPassword: user.passwordHash !== undefined, hasTotp: user.totpSecret !== undefined },
    ...(ban && isBanned(user, Date.now()) ? { ban: { ...ban, at: presentTime(ban.at) } } : {}),
    ...(eraseAt === undefined ? {} : { eraseAt: presentTime(eraseAt) }),
    // Kept as hashes, of which nobody can tell what they are of.
    placesSignedInFrom: await store.countPlaces(_id),
  };
}

const presentSession = ({ _id, device, address, createdAt, lastUsedAt, endedAt }: StoredSession) => ({
  ...{ id: _id, device, address, createdAt: presentTime(createdAt), lastUsedAt: presentTime(lastUsedAt) },
  ...(endedAt === undefined ? {} : { endedAt: presentTime(endedAt) }),
});

/** What one said oneself. What others said is theirs: the words that were reported, and what administrators note. */
const presentOwnReport = ({ _id, userId, chatId, messageId, reason, text, state, createdAt, closedAt }: StoredReport) => ({
  ...{ id: _id, userId, chatId, messageId, reason, text, state },
  ...{ createdAt: presentTime(createdAt), closedAt: closedAt === null ? null : presentTime(closedAt) },
});

const about: Record<string, string> = {
  "account.json": "your account, without its password and second factor, which nobody can read",
  "avatar.webp": "your picture",
  "sessions.ndjson": "where you are signed in, or were lately: device, address and times",
  "reports.ndjson": "what you have reported to the administrators",
  "preferences.ndjson": "your preferences",
  "blocks.ndjson": "whom you have blocked",
  "user-log.ndjson": "the latest changes that your devices learn of: chats, read pointers, blocks, preferences, profile",
  "chats.ndjson": "the chats that you are in, and those that you have left",
  "messages.ndjson": "the messages that you sent, as they are now, and what they said before you edited them",
  "reactions.ndjson": "your reactions to messages, which are named by their numbers in their chats",
  "mails.ndjson": "mails to your address that are kept or on their way",
  "told.ndjson": "how far mails have told you of unread messages, by chat",
};

const readme = (names: readonly string[]) =>
  [
    "This archive holds all that is kept of you. What others said is theirs, and not in it.",
    "",
    "A .json file is one JSON object. A .ndjson file has one on each line. Times are UTC.",
    "",
    ...names.map((name) => `${name}: ${about[name] ?? "more that is kept of you"}`),
    "",
  ].join("\n");

/** The mail with the link, to a proved address alone: another one finds it in the account. */
async function readyMail(service: UserService, { _id, userId, language }: StoredExport): Promise<Enclosed | undefined> {
  const { EXPORT_DAYS: days, PUBLIC_URL } = service.settings;
  const user = await service.store.userById(userId);
  const to = user && provedEmail(user);
  // Of an account that is being erased the mail service may have been asked to forget the address already.
  if (!to || user.erasing) return undefined;
  const url = `${PUBLIC_URL.replace(/\/$/, "")}${pathOfExport(service, _id)}`;
  return service.outbox.enclose("exports", _id, { template: "export-ready", to, data: { url, days }, language });
}

const tokenOf = (key: Buffer, exportId: string) => createHmac("sha256", key).update(`export|${exportId}`).digest("base64url");

/** Whoever has it can read the archive. The token can be made again from the id, so nothing of it is stored. */
export const pathOfExport = ({ keys }: UserService, exportId: string) =>
  `/exports/${exportId}?token=${tokenOf(keys.refresh, exportId)}`;

export const isTokenOf = ({ keys }: UserService, exportId: string, token: string): boolean =>
  keys.all.some(({ refresh }) => isSame(tokenOf(refresh, exportId), token));

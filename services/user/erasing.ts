/* Erasure: begun with a grace; once that is over what is stored of an account goes, in every service, and the account last. */
import { call, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { ServiceSchema } from "moleculer";
import { endSessions } from "./accounts.ts";
import type { ExportingService } from "./exporting.ts";
import { noticeFor } from "./mails.ts";
import { presentTime } from "./present.ts";
import type { StoredUser } from "./store/documents.ts";

const dayMs = 86_400_000;
export const lookEvery = 30_000;
/** Before it is tried again, where some service did not answer. */
const retryMs = 2000;
/** By then every node has let go of the sessions that ended (G6), and nobody adds to what is erased. */
export const settleMs = 3000;
const atOnce = 20;

export type ErasingService = ExportingService & { eraser?: Eraser };

/** Notes when the account is to be erased, by the write that ends all its sessions, and tells its owner. */
export async function beginErasure(service: ErasingService, user: StoredUser, meta: Meta): Promise<{ eraseAt: string }> {
  if (user.eraseAt !== undefined) return { eraseAt: presentTime(user.eraseAt) };
  const { ERASE_DAYS } = service.settings;
  const at = Date.now() + Math.max(ERASE_DAYS * dayMs, settleMs);
  const eraseAt = presentTime(at);
  // Without a grace there is nothing to be told of that one could still call off.
  const mail = ERASE_DAYS > 0 ? noticeFor(service, user, meta, { template: "erasure-begun", data: { eraseAt } }) : undefined;
  // G6: nobody is signed in to an account that waits for its erasure; who signs in anew calls it off.
  const ended = await endSessions(service, user._id, { change: { set: { eraseAt: at }, mail } });
  if (!ended) throw problem("user.not_found");
  if (ERASE_DAYS === 0) service.eraser?.lookIn(settleMs);
  await service.outbox.handOver("users", ended);
  return { eraseAt };
}

/**
 * Looks for accounts whose time is over, on every node. The note that there is one to erase is the account itself, and
 * goes with it: so what a dying process leaves half done is taken up by the next look of any node, from the beginning,
 * and to do a part again does no harm.
 */
export const erasing = {
  started(this: ErasingService) {
    this.eraser = new Eraser(this);
    void this.eraser.look();
  },
  stopped(this: ErasingService) {
    this.eraser?.stop();
  },
} as unknown as Partial<ServiceSchema>;

/** Erases one account after the other on each node. */
export class Eraser {
  readonly #service: ErasingService;
  readonly #timers = new Set<NodeJS.Timeout>();
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #stopped = false;

  constructor(service: ErasingService) {
    this.#service = service;
    this.#timers.add(setInterval(() => void this.look(), lookEvery).unref());
  }

  /** A look that is under way may have missed what this one is for: then there is another after it. */
  look(): Promise<void> {
    this.#lookAgain = true;
    this.#looking ??= this.#work().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  lookIn(ms: number): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.look();
    }, ms).unref();
    this.#timers.add(timer);
  }

  /** What is in hand fails as the store closes, and is taken up by another node or at the next start. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #work(): Promise<void> {
    while (this.#lookAgain && !this.#stopped) {
      this.#lookAgain = false;
      try {
        await eraseDue(this.#service);
      } catch (err) {
        if (this.#stopped) return;
        this.#service.logger.warn("An erasure is not done yet, it goes on soon", err);
        this.lookIn(retryMs);
      }
    }
  }
}

/** Erases all accounts whose time is over; throws what kept one of them from it once the others are done. */
async function eraseDue(service: ErasingService): Promise<void> {
  const { store } = service;
  let failure: unknown;
  for (const { _id: userId } of await store.dueErasures(Date.now(), atOnce)) {
    // From here on nobody calls it off.
    const user = await store.beginErasing(userId, Date.now());
    if (user) await eraseAccount(service, user).catch((err: unknown) => (failure ??= err));
  }
  if (failure) throw failure as Error;
}

async function eraseAccount(service: ErasingService, user: StoredUser): Promise<void> {
  const { broker, store, settings, logger } = service;
  const { _id: userId, email } = user;
  const messages = settings.ERASE_MESSAGES;
  while (!(await call(broker, "chat.person.erase", { userId, messages })).done);
  // Before the mail service is asked to forget the address, or it gets one of these after that.
  await store.withdrawMails(user);
  await call(broker, "mail.person.erase", { userId, emails: email === undefined ? [] : [email] });
  await store.people.eraseOf(userId);
  // An archive that is being made here is found to be gone by then, and leaves nothing.
  await service.exporter?.look();
  await store.admin.eraseOf(userId);
  await store.eraseUser(user, Date.now());
  await store.scrub();
  // Until here whoever dies leaves it to another one.
  await store.endErasing(userId);
  logger.info(`The account ${userId} is erased`);
}

/* Erasure: begun with a grace; once that is over what is stored of an account goes, in every service, and the account last. */
import { call } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { ServiceSchema } from "moleculer";
import { endSessions } from "./accounts.ts";
import { presentTime } from "./present.ts";
import type { UserService } from "./service.ts";
import { tellOwner } from "./signing-in.ts";
import type { StoredUser } from "./store/documents.ts";

const dayMs = 86_400_000;
const lookEvery = 30_000;
const atOnce = 20;

export type ErasingService = UserService & { eraser?: { look(): Promise<void> }; eraseTimer?: NodeJS.Timeout };

/** Notes when the account is to be erased, by the write that ends all its sessions, and tells its owner. */
export async function beginErasure(service: ErasingService, user: StoredUser): Promise<{ eraseAt: string }> {
  if (user.eraseAt !== undefined) return { eraseAt: presentTime(user.eraseAt) };
  const { ERASE_DAYS } = service.settings;
  const at = Date.now() + ERASE_DAYS * dayMs;
  // G6: nobody is signed in to an account that waits for its erasure; who signs in anew calls it off.
  if (!(await endSessions(service, user._id, { change: { set: { eraseAt: at } } }))) throw problem("user.not_found");
  const eraseAt = presentTime(at);
  // Without a grace there is nothing to be told of that one could still call off.
  if (ERASE_DAYS === 0) void service.eraser?.look();
  else if (user.email !== undefined) await tellOwner(service, user.email, { template: "erasure-begun", data: { eraseAt } });
  return { eraseAt };
}

/**
 * Looks for accounts whose time is over, on every node. The note that there is one to erase is the account itself, and
 * goes with it: so what a dying process leaves half done is taken up by the next look of any node, from the beginning,
 * and to do a part again does no harm.
 */
export const erasing = {
  started(this: ErasingService) {
    let looking: Promise<void> | undefined;
    this.eraser = { look: () => (looking ??= eraseDue(this).finally(() => (looking = undefined))) };
    this.eraseTimer = setInterval(() => void this.eraser!.look(), lookEvery).unref();
    void this.eraser.look();
  },
  stopped(this: ErasingService) {
    clearInterval(this.eraseTimer);
  },
} as unknown as Partial<ServiceSchema>;

async function eraseDue(service: UserService): Promise<void> {
  const { store, logger } = service;
  try {
    for (const { _id: userId } of await store.dueErasures(Date.now(), atOnce)) {
      // From here on nobody calls it off.
      const user = await store.beginErasing(userId, Date.now());
      if (!user) continue;
      await eraseAccount(service, user).catch((err: unknown) =>
        logger.warn(`The erasure of ${userId} is not done yet, it goes on later`, err),
      );
    }
  } catch (err) {
    logger.debug("Could not look for accounts to erase, will try again", err);
  }
}

async function eraseAccount({ broker, store, settings, logger }: UserService, user: StoredUser): Promise<void> {
  const { _id: userId, email } = user;
  const messages = settings.ERASE_MESSAGES;
  while (!(await call(broker, "chat.person.erase", { userId, messages })).done);
  if (email !== undefined) await call(broker, "mail.person.erase", { emails: [email] });
  await store.people.eraseOf(userId);
  await store.admin.eraseOf(userId);
  await store.eraseUser(user, Date.now());
  await store.scrub();
  logger.info(`The account ${userId} is erased`);
}

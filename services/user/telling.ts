import { call } from "@confab/mixins/define.ts";
import type { ServiceSchema } from "moleculer";
import { presentProfile } from "./present.ts";
import type { UserService } from "./service.ts";
import type { StoredUser } from "./store/documents.ts";

const lookEvery = 30_000;
const atOnce = 100;

/**
 * Tells users' own logs of changed profiles. That there is something to tell is stored with the change itself, so what
 * a dying process left untold is told by the next look of any node.
 */
export const telling = {
  started(this: UserService & { teller: NodeJS.Timeout }) {
    this.teller = setInterval(() => void tellAll(this), lookEvery).unref();
  },
  stopped(this: UserService & { teller?: NodeJS.Timeout }) {
    clearInterval(this.teller);
  },
} as unknown as Partial<ServiceSchema>;

export async function tellAll(service: UserService): Promise<void> {
  try {
    for (const user of await service.store.untoldUsers(atOnce)) await tell(service, user);
  } catch (err) {
    service.logger.debug("Changed profiles will be told later", err);
  }
}

/** Tells it now, or leaves it to a later look. */
export async function tellOrLater(service: UserService, user: StoredUser): Promise<void> {
  await tell(service, user).catch((err: unknown) => service.logger.debug("A changed profile will be told later", err));
}

async function tell({ broker, store }: UserService, user: StoredUser): Promise<void> {
  const { name, avatar } = presentProfile(user);
  await call(broker, "chat.profile.note", { userId: user._id, name, avatar, version: user.version! });
  await store.markTold(user);
}

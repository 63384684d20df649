import { endSessions } from "./accounts.ts";
import { presentTime } from "./present.ts";
import type { UserService } from "./service.ts";
import { tellOwner } from "./signing-in.ts";
import type { StoredUser } from "./store/documents.ts";

const dayMs = 86_400_000;

/** Notes when the account is to be erased, by the write that ends all its sessions, and tells its owner. */
export async function beginErasure(service: UserService, user: StoredUser): Promise<{ eraseAt: string }> {
  const at = Date.now() + service.settings.ERASE_DAYS * dayMs;
  // G6: nobody is signed in to an account that waits for its erasure; who signs in anew calls it off.
  await endSessions(service, user._id, { change: { set: { eraseAt: at } } });
  const eraseAt = presentTime(at);
  if (user.email !== undefined) await tellOwner(service, user.email, { template: "erasure-begun", data: { eraseAt } });
  return { eraseAt };
}

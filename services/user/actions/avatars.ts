import { randomUUID } from "node:crypto";
import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { roleOf } from "../accounts.ts";
import { cutAvatar } from "../pictures.ts";
import { presentMe } from "../present.ts";
import type { UserService } from "../service.ts";
import type { StoredUser } from "../store/documents.ts";
import { tellOrLater } from "../telling.ts";

/** Milliseconds in which somebody may be storing a picture that no profile names yet. */
const patience = 600_000;

export const avatars = {
  ...define("user.avatar.put", async function (this: UserService, ctx) {
    const { userId } = ctx.meta;
    const before = await this.store.userById(userId);
    if (!before) throw problem("unauthenticated");
    const picture = await cutAvatar(ctx.params.image);
    const avatarId = randomUUID();
    await this.store.people.putAvatar({ _id: avatarId, userId, ...picture, createdAt: Date.now() });
    const now = await this.store.changeProfile(userId, { avatarId });
    // Erased meanwhile: nothing of it is to stay.
    if (!now) await this.store.people.removeAvatar(avatarId);
    return change(this, before, now);
  }),

  ...define("user.avatar.remove", async function (this: UserService, ctx) {
    const { userId } = ctx.meta;
    const before = await this.store.userById(userId);
    if (!before) throw problem("unauthenticated");
    if (!before.avatarId) return presentMe(before, roleOf(this, before));
    return change(this, before, await this.store.changeProfile(userId, {}, { avatarId: true }));
  }),

  ...define("user.avatar.read", async function (this: UserService, ctx) {
    const found = await this.store.people.avatarById(ctx.params.avatarId);
    return found ? { type: found.type, base64: found.base64 } : null;
  }),
};

/** Lets go of the picture that was there, and tells of the new one. */
async function change(service: UserService, before: StoredUser, now: StoredUser | null) {
  const { people } = service.store;
  if (!now) throw problem("unauthenticated");
  if (before.avatarId && before.avatarId !== now.avatarId) await people.removeAvatar(before.avatarId);
  // And of any that a process left behind that died before it could name it; not of one that is just being named.
  await people.removeAvatarsOf(now._id, now.avatarId, Date.now() - patience);
  void tellOrLater(service, now);
  return presentMe(now, roleOf(service, now));
}

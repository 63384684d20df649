/* Whose an address is. An account has it either proved, by a mail that was read, or by the host's word alone. */
import type { UserService } from "./service.ts";
import type { StoredUser } from "./store/documents.ts";

type Service = Pick<UserService, "store">;

/** The address of an account, where it is proved: one by the host's word alone may be a stranger's. */
export const provedEmail = ({ email, emailVerified }: StoredUser): string | undefined =>
  emailVerified === false ? undefined : email;

/**
 * Whoever has proved the address. The host may not have asked before it gave somebody's: so what is mailed there never
 * leads into the account that has it by the host's word, where somebody else may be at home.
 */
export async function ownerOf({ store }: Service, email: string): Promise<StoredUser | null> {
  const user = await store.userByEmail(email);
  return user?.emailVerified === false ? null : user;
}

/** Takes the address from whoever has it by the host's word alone, for whoever has just proved it. */
export async function freeAddress({ store }: Service, email: string): Promise<void> {
  const user = await store.userByEmail(email);
  if (user?.emailVerified !== false) return;
  await store.changeUser({ _id: user._id, email, emailVerified: false }, {}, { email: true, emailVerified: true });
}

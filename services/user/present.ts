import type { Me, Profile } from "@confab/contracts";
import type { StoredUser } from "./store/documents.ts";

/** A user as others see one: never the address. */
export const presentProfile = ({ _id, name }: StoredUser): Profile => ({ id: _id, name });

/** A user as seen by oneself. */
export const presentMe = ({ _id, name, email, createdAt }: StoredUser): Me => ({
  id: _id,
  name,
  email: email ?? null,
  createdAt: new Date(createdAt).toISOString(),
});

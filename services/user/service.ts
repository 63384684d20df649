import type { Outbox } from "@confab/mixins/outbox.ts";
import type { Service } from "moleculer";
import type { HostTokens } from "./host.tokens.ts";
import type { Passwords } from "./passwords.ts";
import type { UserSettings } from "./settings.ts";
import type { KeyRing } from "./signing-key.ts";
import type { UserStore } from "./store/user.store.ts";

/** What the handlers stand on. */
export type UserService = Service & {
  settings: UserSettings;
  store: UserStore;
  keys: KeyRing;
  passwords: Passwords;
  hostTokens: HostTokens;
  outbox: Outbox<keyof UserStore["mailing"]>;
};

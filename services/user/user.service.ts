import type { Env } from "@confab/mixins/settings.ts";
import type { Database } from "@confab/mixins/store/collection.ts";
import { store } from "@confab/mixins/store/store.mixin.ts";
import type { Service, ServiceSchema } from "moleculer";
import { admins } from "./actions/admins.ts";
import { audits } from "./actions/audits.ts";
import { avatars } from "./actions/avatars.ts";
import { codes } from "./actions/codes.ts";
import { emails } from "./actions/emails.ts";
import { erasures } from "./actions/erasures.ts";
import { exchange } from "./actions/exchange.ts";
import { exports } from "./actions/exports.ts";
import { hosts } from "./actions/hosts.ts";
import { keys } from "./actions/keys.ts";
import { me } from "./actions/me.ts";
import { passwords } from "./actions/passwords.ts";
import { profiles } from "./actions/profiles.ts";
import { reports } from "./actions/reports.ts";
import { serverkeys } from "./actions/serverkeys.ts";
import { sessions } from "./actions/sessions.ts";
import { totps } from "./actions/totps.ts";
import { HostTokens } from "./host.tokens.ts";
import { erasing } from "./erasing.ts";
import { exporting } from "./exporting.ts";
import { mailing } from "./mails.ts";
import { Passwords } from "./passwords.ts";
import type { UserService } from "./service.ts";
import { settings } from "./settings.ts";
import { openKeys } from "./signing-key.ts";
import { migrations } from "./store/migrations/index.ts";
import { UserStore } from "./store/user.store.ts";
import { sweeping } from "./sweep.ts";
import { telling } from "./telling.ts";

export default function userService(env?: Env): ServiceSchema {
  return {
    name: "user",
    // In this order: what stands before the store starts when that is open, and stops before it closes.
    mixins: [exporting, erasing, mailing, store(openStore, migrations), sweeping, telling],
    settings: settings.read(env),
    actions: {
      ...codes,
      ...passwords,
      ...emails,
      ...totps,
      ...sessions,
      ...keys,
      ...exchange,
      ...hosts,
      ...serverkeys,
      ...me,
      ...avatars,
      ...exports,
      ...erasures,
      ...profiles,
      ...admins,
      ...reports,
      ...audits,
    },
    created(this: UserService) {
      this.passwords = new Passwords(this.settings);
      this.hostTokens = new HostTokens(this.settings);
    },
  } as unknown as ServiceSchema;
}

/** The key is in the same folder: it is read or made when this process owns that. */
function openStore(database: Database, service: Service): Promise<UserStore> {
  const user = service as UserService;
  user.keys = openKeys(user.settings);
  return UserStore.open(database);
}

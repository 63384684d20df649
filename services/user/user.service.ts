import type { Env } from "@confab/mixins/settings.ts";
import { store } from "@confab/mixins/store/store.mixin.ts";
import type { ServiceSchema } from "moleculer";
import { codes } from "./actions/codes.ts";
import { keys } from "./actions/keys.ts";
import { me } from "./actions/me.ts";
import { profiles } from "./actions/profiles.ts";
import { sessions } from "./actions/sessions.ts";
import type { UserService } from "./service.ts";
import { settings } from "./settings.ts";
import { openKeys } from "./signing-key.ts";
import { UserStore } from "./store/user.store.ts";
import { sweeping } from "./sweep.ts";
import { telling } from "./telling.ts";

export default function userService(env?: Env): ServiceSchema {
  return {
    name: "user",
    mixins: [store((database) => UserStore.open(database)), sweeping, telling],
    settings: settings.read(env),
    actions: { ...codes, ...sessions, ...keys, ...me, ...profiles },
    created(this: UserService) {
      this.keys = openKeys(this.settings);
    },
  } as unknown as ServiceSchema;
}

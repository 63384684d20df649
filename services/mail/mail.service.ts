import type { Env } from "@confab/mixins/settings.ts";
import { store } from "@confab/mixins/store/store.mixin.ts";
import type { ServiceSchema } from "moleculer";
import { erasing } from "./actions/erasing.ts";
import { inbox } from "./actions/inbox.ts";
import { jobs } from "./actions/jobs.ts";
import { operators } from "./actions/operators.ts";
import { people } from "./actions/people.ts";
import { templates } from "./actions/templates.ts";
import { unsubscribing } from "./actions/unsubscribe.ts";
import { delivery } from "./delivery.ts";
import { digesting } from "./digest/digesting.ts";
import { measuring } from "./metrics.ts";
import { settings } from "./settings.ts";
import { migrations } from "./store/migrations/index.ts";
import { openStores } from "./store/open.ts";

export default function mailService(env?: Env): ServiceSchema {
  return {
    name: "mail",
    // In this order: the queue opens on the open store, and stops before it closes.
    mixins: [digesting, delivery, measuring, store(openStores, migrations)],
    settings: settings.read(env),
    actions: { ...jobs, ...inbox, ...templates, ...people, ...erasing, ...operators, ...unsubscribing },
  };
}

import { edgeOf } from "@confab/mixins/edge.ts";
import type { Env } from "@confab/mixins/settings.ts";
import type { ServiceSchema } from "moleculer";
import { documents } from "./actions/documents.ts";
import { meta } from "./actions/meta.ts";
import { events } from "./events.ts";
import { front } from "./front.ts";
import { gateway, type ApiService } from "./gateway.ts";
import { settings } from "./settings.ts";

export default function api(env?: Env): ServiceSchema {
  const values = settings.read(env);
  return {
    name: "api",
    mixins: [gateway(values)],
    settings: values,
    actions: { ...meta, ...documents(values) },
    events,
    async started() {
      edgeOf(this.broker).serve(front(this as unknown as ApiService));
    },
  };
}

import { define } from "@confab/mixins/define.ts";
import type { ServiceSchema } from "moleculer";
import { presentAsyncapi } from "../documents/asyncapi.ts";
import { presentOpenapi } from "../documents/openapi.ts";
import type { ApiSettings } from "../settings.ts";
import { version } from "./meta.ts";

/** The documents tell of what is there with these settings. */
export function documents(settings: ApiSettings): NonNullable<ServiceSchema["actions"]> {
  const [openapi, asyncapi] = [presentOpenapi(version, settings), presentAsyncapi(version, settings)];
  return {
    ...define("api.document.openapi", async () => openapi),
    ...define("api.document.asyncapi", async () => asyncapi),
  };
}

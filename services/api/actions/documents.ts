import { define } from "@confab/mixins/define.ts";
import { presentAsyncapi } from "../documents/asyncapi.ts";
import { presentOpenapi } from "../documents/openapi.ts";
import { version } from "./meta.ts";

const openapi = presentOpenapi(version);
const asyncapi = presentAsyncapi(version);

export const documents = {
  ...define("api.document.openapi", async () => openapi),
  ...define("api.document.asyncapi", async () => asyncapi),
};

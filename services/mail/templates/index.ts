import type { MailJob } from "@confab/contracts";
import { code } from "./code.ts";
import type { Content } from "./template.ts";

const templates = { code } satisfies Record<MailJob["template"], (data: MailJob["data"]) => Content>;

export function render({ template, data }: MailJob): Content {
  if (!Object.hasOwn(templates, template)) throw new Error("there is no such template on this node");
  return templates[template](data);
}

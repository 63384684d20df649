import type { InboxMail } from "@confab/contracts";
import type { StoredInboxMail } from "./store/documents.ts";

export function presentMail({ _id, to, subject, text, html, headers, at }: StoredInboxMail): InboxMail {
  return { id: _id, to, subject, text, html, headers, at: new Date(at).toISOString() };
}

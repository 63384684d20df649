import type { InboxMail } from "@confab/contracts";
import { TestUser } from "../../support/user.ts";

/** The same person and session at the process that answers there. */
export const moveTo = (user: TestUser, url: string): TestUser => new TestUser(user, user.client.token!, [{ api: url, io: url }]);

/** The code in the newest mail to an address, if there is one yet. */
export async function codeMailedTo(email: string, url: string): Promise<string | undefined> {
  const response = await fetch(`${url}/dev/inbox?to=${encodeURIComponent(email)}`, { headers: { Accept: "application/json" } });
  const { items = [] } = (await response.json()) as { items?: InboxMail[] };
  return items[0] && /\b\d{6}\b/.exec(items[0].text)?.[0];
}

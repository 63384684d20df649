import { define } from "@confab/mixins/define.ts";
import type { MailService } from "../service.ts";

export const erasing = define("mail.person.erase", async function (this: MailService, ctx) {
  const addresses = new Set(ctx.params.emails.map((email) => email.toLowerCase()));
  await this.queue.erase(addresses);
  for (const address of addresses) await this.store.eraseAddress(address);
  await this.store.scrub();
  return null;
});

import { define } from "@confab/mixins/define.ts";
import type { MailService } from "../service.ts";

/** What somebody ended by the link in a mail stays ended: of that only a mark is kept, which tells no address. */
export const erasing = define("mail.person.erase", async function (this: MailService, ctx) {
  const { userId, emails } = ctx.params;
  const addresses = new Set(emails.map((email) => email.toLowerCase()));
  // G5: a worker that has one in hand finds it gone before it sends it, and keeps nothing of one that it has just sent.
  for (const address of addresses) await this.store.eraseAddress(address);
  // In this order: who tells somebody just now finds that nobody is to be told, and takes the mail back.
  if (userId) await this.digests.eraseUser(userId);
  if (userId) await this.store.eraseUser(userId);
  await this.queue.settle();
  for (const address of addresses) await this.store.eraseMails(address);
  await this.store.scrub();
  return null;
});

import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { hasInbox } from "../policies.ts";
import { presentMail } from "../present.ts";
import type { MailService } from "../service.ts";

/** A developer looks at the newest; older ones are kept for a while, and found by their address. */
const mostMails = 100;

export const inbox = {
  ...define("mail.inbox.list", async function (this: MailService, ctx) {
    if (!hasInbox(this.settings)) throw problem("not_found");
    const mails = await this.store.listMails(ctx.params.to?.toLowerCase(), mostMails);
    return { items: mails.map(presentMail), nextCursor: null };
  }),
};

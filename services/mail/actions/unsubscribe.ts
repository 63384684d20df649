import { call, define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { MailService } from "../service.ts";
import { readToken, type Unsubscription } from "../unsubscribe.ts";

/* What the links in mails do, for whoever has one: neither asks who that is. */

export const unsubscribing = {
  ...define("mail.unsubscribe.look", async function (this: MailService, ctx) {
    const { kind } = await requireToken(this, ctx.params.token);
    return { kind };
  }),

  ...define("mail.unsubscribe.take", async function (this: MailService, ctx) {
    const ended = await requireToken(this, ctx.params.token);
    if (ended.kind === "invitation") await this.declines.decline(ended.kind, ended.mark, Date.now());
    else await call(ctx, "chat.preference.unsubscribe", { userId: ended.userId, kind: ended.kind });
    return { kind: ended.kind };
  }),
};

async function requireToken({ declines }: MailService, token: string): Promise<Unsubscription> {
  const read = readToken(await declines.key(), token);
  if (!read) throw problem("not_found");
  return read;
}

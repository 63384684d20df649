import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { Conflict } from "@confab/mixins/store/collection.ts";
import { requireRecent, requireSession, roleOf } from "../accounts.ts";
import { freeAddress, ownerOf } from "../addresses.ts";
import { beginFlow, requireCode, useFlow } from "../flows.ts";
import { happened, noticeFor } from "../mails.ts";
import { normalizeEmail } from "../policies.ts";
import { presentMe } from "../present.ts";
import type { UserService } from "../service.ts";
import { staying } from "../store/documents.ts";

export const emails = {
  ...define("user.email.change", async function (this: UserService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    const email = normalizeEmail(ctx.params.email);
    // Whose address it is already is told to that address alone.
    const isTaken = (await ownerOf(this, email)) !== null;
    const mail = isTaken ? ({ instead: "known-address" } as const) : ({ code: "email-code" } as const);
    return beginFlow(this, ctx.meta, { purpose: "email", email, mail, userId: user._id });
  }),

  ...define("user.email.confirm", async function (this: UserService, ctx) {
    const { user } = await requireSession(this, ctx.meta);
    const flow = await requireCode(this, ctx.params, ["email"]);
    if (flow.userId !== user._id) throw problem("user.wrong_code");
    await useFlow(this, flow);
    await freeAddress(this, flow.email);
    const data = { ...happened(ctx.meta), newEmail: flow.email };
    // To the address that it was until now.
    const mail = user.email === flow.email ? undefined : noticeFor(this, user, ctx.meta, { template: "email-changed", data });
    const changed = await this.store
      .changeUser({ _id: user._id, ...staying }, { email: flow.email, emailVerified: true }, {}, mail)
      // Somebody else took it since the code was mailed.
      .catch((err: unknown) => {
        if (err instanceof Conflict) throw problem("user.wrong_code");
        throw err;
      });
    if (!changed) throw problem("unauthenticated");
    await this.outbox.handOver("users", changed);
    return presentMe(changed, roleOf(this, changed));
  }),
};

import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { MailService } from "../service.ts";
import { render } from "../templates/index.ts";
import { sampleJobs } from "../templates/samples.ts";

/** Templates filled in with samples, for whoever works on their looks or their words. */
export const templates = {
  ...define("mail.template.preview", async function (this: MailService, ctx) {
    const { NODE_ENV, MAIL_FROM: from, PUBLIC_URL: publicUrl } = this.settings;
    if (NODE_ENV === "production") throw problem("not_found");
    const context = { from, publicUrl, language: ctx.params.language };
    const unsubscribeUrl = `${publicUrl.replace(/\/$/, "")}/unsubscribe/a-sample`;
    return {
      items: sampleJobs.map(({ title, job, canEnd }) => ({
        template: title,
        ...render(job, canEnd ? { ...context, unsubscribeUrl } : context),
      })),
    };
  }),
};

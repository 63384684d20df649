import { define } from "@confab/mixins/define.ts";
import { makeJob, readMailJob } from "../job.ts";
import type { MailService } from "../service.ts";

export const jobs = {
  ...define("mail.job.accept", async function (this: MailService, ctx) {
    const job = makeJob(readMailJob(ctx.params), this.settings.MAIL_FROM);
    // G5: durable before the answer; the mail server is not waited for.
    await this.queue.accept(job);
    return { jobId: job.id };
  }),
};

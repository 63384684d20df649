import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { Unavailable } from "@confab/mixins/store/collection.ts";
import { makeJob, readMailJob, type Job } from "../job.ts";
import { countMail } from "../metrics.ts";
import type { MailService } from "../service.ts";

export const jobs = {
  ...define("mail.job.accept", async function (this: MailService, ctx) {
    const { jobId, language, ...mail } = ctx.params;
    const given = { ...(jobId ? { id: jobId } : {}), ...(language ? { language } : {}) };
    const job = makeJob(readMailJob(mail), this.settings.MAIL_FROM, given);
    // G5: durable before the answer; neither RabbitMQ nor the mail server is waited for.
    if (await add(this, job)) {
      countMail(this.broker, "accepted");
      this.queue.wake(job.id);
    }
    return { jobId: job.id };
  }),
};

/** False where it was accepted before. */
function add({ store }: MailService, job: Job): Promise<boolean> {
  return store.addJob(job, Date.now()).catch((err: unknown) => {
    throw err instanceof Unavailable ? problem("unavailable", { retryAfter: 2 }) : err;
  });
}

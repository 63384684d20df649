import { call } from "@confab/mixins/define.ts";
import type { ServiceSchema } from "moleculer";
import { countMail } from "../metrics.ts";
import { stopPatienceMs, within } from "../queue/queue.ts";
import type { MailService } from "../service.ts";
import { Scanner } from "./scanner.ts";
import { Teller } from "./teller.ts";
import { Turn } from "./turn.ts";

type Digesting = MailService & { scanner?: Scanner; teller?: Teller; turns?: Turn[] };

/** People are due to the second, minutes after a message: a few seconds more matter to none of them. */
const tellEveryMs = 5000;
const presencePatienceMs = 3000;

/** Mails people what they have not read: on each node, as long as the service runs. */
export const digesting = {
  async started(this: Digesting) {
    const { broker, digests, logger, settings } = this;
    const everyMs = settings.DIGEST_EVERY_SECONDS * 1000;
    const notifyAfterMs = settings.NOTIFY_AFTER_SECONDS * 1000;
    const scanner = new Scanner({
      ...{ store: digests, everyMs, lookAfterMs: notifyAfterMs },
      scan: (params) => call(broker, "chat.digest.scan", params),
    });
    const teller = new Teller({ store: digests, notifyAfterMs, ...waysOf(this) });
    Object.assign(this, { scanner, teller });
    await digests.releaseAll(Date.now());
    await scanner.begin();
    this.turns = [
      new Turn("look for new messages", () => scanner.look(), everyMs, logger),
      new Turn("tell what is unread", () => teller.look(), Math.min(everyMs, tellEveryMs), logger),
    ];
  },
  async stopped(this: Digesting) {
    const { turns = [], teller, scanner } = this;
    const over = Promise.all([teller?.stop(), ...turns.map((turn) => turn.stop())]);
    await within(stopPatienceMs, over, "in hand").catch(() => {});
    await scanner?.leave().catch(() => {});
  },
} as unknown as Partial<ServiceSchema>;

/** What a teller asks of the other services, and does in this one. */
function waysOf(service: MailService) {
  const { broker, settings, store, queue } = service;
  return {
    from: settings.MAIL_FROM,
    publicUrl: settings.PUBLIC_URL,
    read: (params) => call(broker, "chat.digest.read", params),
    // Where that is not known, they are taken to be away: rather a mail too many than none.
    isOnline: (userId) =>
      call(broker, "io.presence.list", { userIds: [userId] }, { timeout: presencePatienceMs }).then(
        ({ online }) => online.includes(userId),
        () => false,
      ),
    recipient: async (userId) => (await call(broker, "user.recipient.list", { userIds: [userId] })).items[0],
    names: async (readerId, userIds) => {
      const { items } = await call(broker, "user.profile.lookup", { userIds: [...userIds] }, { meta: { userId: readerId } });
      return new Map(items.map(({ id, name }) => [id, name]));
    },
    accept: async (job) => {
      if (await store.addJob(job, Date.now())) countMail(broker, "accepted");
      // Also where it was there: whoever put it there may have died before it could say so.
      queue.wake(job.id);
    },
    withdraw: (userId) => store.eraseUser(userId),
  } satisfies Partial<ConstructorParameters<typeof Teller>[0]>;
}

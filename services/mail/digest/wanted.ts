import { call } from "@confab/mixins/define.ts";
import type { ServiceBroker } from "moleculer";
import type { Job } from "../job.ts";

/** What a mail tells that is no older was unread a moment ago. */
const freshMs = 600_000;
/** Whoever does not answer keeps no other mail waiting: of what waited there may be many, and codes behind them. */
const patience = { timeout: 2000, retries: 0 };

/**
 * Why a mail about unread messages is not to be sent any more; undefined where it is. One that had to wait, as the mail
 * server was away, or that is sent after all once it was given up, may tell of what was read meanwhile.
 */
export async function whyUnwanted(broker: ServiceBroker, job: Job, now = Date.now()): Promise<string | undefined> {
  const { template } = job;
  if ((template !== "notification" && template !== "digest") || now - job.acceptedAt < freshMs) return undefined;
  const { userId, chats } = job.data;
  const told = Object.fromEntries(chats.map(({ chatId, toSeq }) => [chatId, toSeq]));
  try {
    const [unread, recipients] = await Promise.all([
      // Of what is told that which is not read; no message is looked at for it.
      call(broker, "chat.digest.read", { userId, told, since: now }, patience),
      call(broker, "user.recipient.list", { userIds: [userId] }, patience),
    ]);
    const { notifications, digest } = unread.preferences;
    if (recipients.items[0]?.email.toLowerCase() !== job.to.toLowerCase()) return "its reader is mailed there no more";
    if (template === "notification" ? !notifications : digest === "never") return "its reader has ended such mails";
    if (Object.keys(unread.told).length === 0) return "all that it tells of was read meanwhile";
  } catch {
    // Rather a mail too many than none.
  }
  return undefined;
}

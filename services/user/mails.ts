/* Mails that user causes: each is stored by the write that is its cause, and the mail service has it a moment later. */
import type { MailJob } from "@confab/contracts";
import type { Meta } from "@confab/mixins/define.ts";
import { Outbox, type Enclosed } from "@confab/mixins/outbox.ts";
import type { ServiceSchema } from "moleculer";
import { presentTime } from "./present.ts";
import type { UserService } from "./service.ts";
import type { StoredUser } from "./store/documents.ts";

/** Listed before the store, so that it stops before that closes. */
export const mailing = {
  started(this: UserService) {
    const { broker, logger, keys, store } = this;
    this.outbox = new Outbox({ broker, logger, keys: keys.all.map(({ mail }) => mail), collections: store.mailing });
  },
  async stopped(this: Partial<UserService>) {
    await this.outbox?.stop();
  },
} as unknown as Partial<ServiceSchema>;

type To<J> = J extends MailJob ? Omit<J, "to"> : never;
/** A mail but for whom it goes to. */
export type Notice = To<MailJob>;

/** What tells the owner of an account what is done to it, for the write that does it; nothing where there is no address. */
export function noticeFor(
  { outbox }: UserService,
  { _id, email: to }: StoredUser,
  { language }: Meta,
  notice: Notice,
): Enclosed | undefined {
  return to === undefined ? undefined : outbox.enclose("users", _id, { ...notice, to, language });
}

/** When, by which device and from where something is done, for a mail about it. */
export const happened = ({ device = "", address = "" }: Meta) => ({ at: presentTime(Date.now()), device, address });

import type { MailSettings } from "./settings.ts";

/** Who reads the inbox can sign in as anyone, so it is never there in production. */
export const hasInbox = ({ SMTP_URL, NODE_ENV }: Pick<MailSettings, "SMTP_URL" | "NODE_ENV">) =>
  SMTP_URL === undefined && NODE_ENV !== "production";

/** Whether the jobs lie in RabbitMQ; else in the store. */
export const usesRabbit = ({ TRANSPORTER }: Pick<MailSettings, "TRANSPORTER">) => /^amqps?:/.test(TRANSPORTER ?? "");

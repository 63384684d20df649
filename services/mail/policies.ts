import { providerSettings, type MailSettings } from "./settings.ts";

/** Who reads the inbox can sign in as anyone, so it is never there in production. */
export const hasInbox = (settings: Pick<MailSettings, "NODE_ENV"> & Partial<MailSettings>) =>
  settings.NODE_ENV !== "production" && providerSettings.every((name) => settings[name] === undefined);

/** Whether the jobs lie in RabbitMQ; else in the store. */
export const usesRabbit = ({ TRANSPORTER }: Pick<MailSettings, "TRANSPORTER">) => /^amqps?:/.test(TRANSPORTER ?? "");

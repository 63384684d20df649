import { type MailJob, type Params, type Payload } from "@confab/contracts";
import { call, define, on, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { Env } from "@confab/mixins/settings.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { v7 as uuid } from "uuid";
import userService from "./user.service.ts";

export type TestUser = Awaited<ReturnType<typeof startUser>>;

/** The service on a broker of its own, with a mail service that keeps what it is given and a listener for ends of sessions. */
export async function startUser(env: Env = { DATA_DIR: "memory" }) {
  const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  const mails: MailJob[] = [];
  const ended: Payload<"user.session.ended">[] = [];
  const mail = { refuses: false };
  broker.createService({
    name: "mail",
    actions: define("mail.job.accept", async (ctx) => {
      if (mail.refuses) throw problem("unavailable", { retryAfter: 1 });
      mails.push(ctx.params);
      return { jobId: uuid() };
    }),
  } as ServiceSchema);
  const noted: Params<"chat.profile.note">[] = [];
  const chat = { refuses: false };
  broker.createService({
    name: "chat",
    actions: define("chat.profile.note", (ctx) => {
      if (chat.refuses) return Promise.reject(problem("unavailable", { retryAfter: 1 }));
      noted.push(ctx.params);
      return Promise.resolve(null);
    }),
  } as ServiceSchema);
  broker.createService({
    name: "listener",
    events: on("user.session.ended", (payload) => void ended.push(payload)),
  } as ServiceSchema);
  broker.createService(userService(env));
  await broker.start();
  await broker.waitForServices(["user", "mail"]);

  /** Asks for a code and reads it in the mail. */
  async function mailedCode(email: string) {
    const { flowId } = await call(broker, "user.code.request", { email });
    return { flowId, code: mails.at(-1)!.data.code };
  }
  return {
    broker,
    mails,
    mail,
    ended,
    noted,
    chat,
    mailedCode,
    async signIn(email: string, { name, meta = {} }: { name?: string; meta?: Meta } = {}) {
      const { flowId, code } = await mailedCode(email);
      return call(broker, "user.code.verify", { flowId, code, ...(name ? { name } : {}) }, { meta });
    },
    stop: () => broker.stop(),
  };
}

export const wrongCode = (code: string) => (code === "000000" ? "111111" : "000000");
export const sessionIdOf = (refreshToken: string) => refreshToken.split(".")[0]!;
export const minutes = (count: number) => count * 60_000;
export const days = (count: number) => count * 86_400_000;

/** Sets the clock on, for whoever reads Date.now. */
export function passTime(ms: number): void {
  const now = Date.now() + ms;
  jest.spyOn(Date, "now").mockReturnValue(now);
}

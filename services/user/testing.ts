import { MailJob, type Params, type Payload, type SignedIn } from "@confab/contracts";
import { call, define, on, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { Env } from "@confab/mixins/settings.ts";
import { ContractValidator, compileSchema } from "@confab/mixins/validator.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import userService from "./user.service.ts";

const faultsOf = compileSchema(MailJob);

type HeldPage = { file: string; record: unknown }[];

export type TestUser = Awaited<ReturnType<typeof startUser>>;

/** The service on a broker of its own, with a mail service that keeps what it is given and a listener for ends of sessions. */
export async function startUser(env: Env = { DATA_DIR: "memory" }) {
  const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  const mails: Params<"mail.job.accept">[] = [];
  const ended: Payload<"user.session.ended">[] = [];
  const endedAll: Payload<"user.sessions.ended">[] = [];
  const mail = { refuses: false };
  /** What the other services hold of people, by whose it is; a cursor is the number of the next page. */
  const held = { chat: new Map<string, HeldPage[]>(), mail: new Map<string, HeldPage[]>() };
  /** What they were asked to erase. */
  const erased = { chat: [] as Params<"chat.person.erase">[], mail: [] as string[] };
  const pageOf = (pages: HeldPage[] = [], cursor = "0") => {
    const at = Number(cursor);
    return { records: pages[at] ?? [], cursor: at + 1 < pages.length ? String(at + 1) : null };
  };
  broker.createService({
    name: "mail",
    actions: {
      ...define("mail.job.accept", async (ctx) => {
        if (mail.refuses) throw problem("unavailable", { retryAfter: 1 });
        const { template, to, data, jobId } = ctx.params;
        const faults = faultsOf({ template, to, data });
        if (faults.length > 0) throw new Error(`no such mail: ${JSON.stringify(faults)}`);
        // Under its number it is the same mail.
        if (!mails.some((mail) => mail.jobId === jobId)) mails.push(ctx.params);
        return { jobId: jobId! };
      }),
      ...define("mail.person.erase", async ({ params: { emails } }) => {
        if (mail.refuses) throw problem("unavailable", { retryAfter: 1 });
        erased.mail.push(...emails);
        return null;
      }),
      ...define("mail.person.export", async ({ params }) => pageOf(held.mail.get(params.userId), params.cursor)),
    },
  } as ServiceSchema);
  const noted: Params<"chat.profile.note">[] = [];
  /** Who met whom, and who is found by nobody, or not by some. */
  const met = new Map<string, string[]>();
  const hidden = new Map<string, string[] | "all">();
  const chat = { refuses: false, exporting: (_userId: string, _cursor: string | undefined) => Promise.resolve() };
  broker.createService({
    name: "chat",
    actions: {
      ...define("chat.profile.note", (ctx) => {
        if (chat.refuses) return Promise.reject(problem("unavailable", { retryAfter: 1 }));
        noted.push(ctx.params);
        return Promise.resolve(null);
      }),
      ...define("chat.people.shared", async ({ params: { userId, userIds } }) => {
        const all = met.get(userId) ?? [];
        return { userIds: userIds ? userIds.filter((id) => all.includes(id)) : all };
      }),
      ...define("chat.people.findable", async ({ params: { userId, by } }) => {
        const from = hidden.get(userId) ?? [];
        return { findable: from !== "all" && !from.includes(by) };
      }),
      ...define("chat.person.erase", ({ params }) => {
        erased.chat.push(params);
        // In two pieces.
        return Promise.resolve({ done: erased.chat.length % 2 === 0 });
      }),
      ...define("chat.person.export", async ({ params: { userId, cursor } }) => {
        await chat.exporting(userId, cursor);
        return pageOf(held.chat.get(userId), cursor);
      }),
    },
  } as ServiceSchema);
  broker.createService({
    name: "listener",
    events: {
      ...on("user.session.ended", (payload) => void ended.push(payload)),
      ...on("user.sessions.ended", (payload) => void endedAll.push(payload)),
    },
  } as ServiceSchema);
  broker.createService(userService(env));
  await broker.start();
  await broker.waitForServices(["user", "mail"]);

  /** Asks for a code and reads it in the mail. */
  async function mailedCode(email: string) {
    const { flowId } = await call(broker, "user.code.request", { email });
    return { flowId, code: codeOf(mails.at(-1)!) };
  }
  return {
    broker,
    mails,
    mail,
    ended,
    endedAll,
    noted,
    chat,
    held,
    erased,
    met,
    hidden,
    mailedCode,
    async signIn(email: string, { name, meta = {} }: { name?: string; meta?: Meta } = {}) {
      const { flowId, code } = await mailedCode(email);
      return call(broker, "user.code.verify", { flowId, code, ...(name ? { name } : {}) }, { meta });
    },
    /** Registers somebody with a password. */
    async register(email: string, password: string, meta: Meta = {}) {
      const { flowId } = await call(broker, "user.account.register", { email, password, name: "Ann" }, { meta });
      return call(broker, "user.code.verify", { flowId, code: codeOf(mails.at(-1)!) }, { meta });
    },
    login: (email: string, password: string, more: { totp?: string; meta?: Meta } = {}) =>
      call(
        broker,
        "user.session.login",
        { email, password, ...(more.totp ? { totp: more.totp } : {}) },
        { meta: more.meta ?? {} },
      ),
    stop: () => broker.stop(),
  };
}

/** Who asks, for whoever has signed in. */
export const askerOf = ({ user, refreshToken }: SignedIn): Meta => ({
  userId: user.id,
  sessionId: sessionIdOf(refreshToken),
});

export const codeOf = ({ data }: { data: Record<string, unknown> }): string => data["code"] as string;

export const wrongCode = (code: string) => (code === "000000" ? "111111" : "000000");
export const sessionIdOf = (refreshToken: string) => refreshToken.split(".")[0]!;
export const minutes = (count: number) => count * 60_000;
export const days = (count: number) => count * 86_400_000;

/** Sets the clock on, for whoever reads Date.now. */
export function passTime(ms: number): void {
  const now = Date.now() + ms;
  jest.spyOn(Date, "now").mockReturnValue(now);
}

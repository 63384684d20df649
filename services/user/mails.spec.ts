import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActionName, Params } from "@confab/contracts";
import { call, type Meta } from "@confab/mixins/define.ts";
import { TOTP } from "otpauth";
import { v7 as uuid } from "uuid";
import type { ErasingService } from "./erasing.ts";
import { askerOf, codeOf, days, passTime, startUser, type TestUser } from "./testing.ts";

const email = "ann@example.org";
const password = "correct horse battery";

let user: TestUser;
beforeEach(async () => (user = await startUser()));
afterEach(async () => {
  jest.restoreAllMocks();
  await user.stop();
});

const service = () => user.broker.getLocalService("user") as unknown as ErasingService;
const ask = <N extends ActionName>(name: N, params: Params<N>, meta: Meta = {}) =>
  call(user.broker, name, params, { meta: { language: "de", ...meta } });

/** What lies in the documents of a collection still. */
async function enclosed(collection: "users" | "flows" | "sessions" | "exports") {
  const found = await service().store.mailing[collection].find({ mailsAt: { $gt: "" } });
  return found.flatMap(({ mails }) => mails!);
}

/** Somebody with a password, who has just signed in. */
async function somebody() {
  const asker = askerOf(await user.register(email, password, { address: "192.0.2.1" }));
  passTime(120_000);
  user.mails.length = 0;
  return asker;
}

interface Cause {
  collection: "users" | "flows" | "sessions";
  /** Gets it as far as to the cause. */
  begin: () => Promise<() => Promise<unknown>>;
  mail: { template: string; to: string };
}

const causes: Record<string, Cause> = {
  "a code to sign in": {
    collection: "flows",
    begin: async () => () => ask("user.code.request", { email }),
    mail: { template: "code", to: email },
  },
  "a registration": {
    collection: "flows",
    begin: async () => () => ask("user.account.register", { email, password, name: "Ann" }),
    mail: { template: "register-code", to: email },
  },
  "a registration of a known address": {
    collection: "flows",
    begin: async () => (await somebody(), () => ask("user.account.register", { email, password, name: "Ann" })),
    mail: { template: "known-address", to: email },
  },
  "a forgotten password": {
    collection: "flows",
    begin: async () => (await somebody(), () => ask("user.password.forgot", { email })),
    mail: { template: "reset-code", to: email },
  },
  "a forgotten password of an unknown address": {
    collection: "flows",
    begin: async () => () => ask("user.password.forgot", { email }),
    mail: { template: "unknown-address", to: email },
  },
  "a new password by a code": {
    collection: "users",
    begin: async () => {
      await somebody();
      const { flowId } = await ask("user.password.forgot", { email });
      const code = codeOf(user.mails.at(-1)!);
      return () => ask("user.password.reset", { flowId, code, password: "another battery" }, { address: "192.0.2.1" });
    },
    mail: { template: "password-changed", to: email },
  },
  "a new password": {
    collection: "users",
    begin: async () => {
      const ann = await somebody();
      return () => ask("user.password.change", { password: "another battery", current: password }, ann);
    },
    mail: { template: "password-changed", to: email },
  },
  "a wish for another address": {
    collection: "flows",
    begin: async () => {
      const ann = await somebody();
      return () => ask("user.email.change", { email: "new@example.org" }, ann);
    },
    mail: { template: "email-code", to: "new@example.org" },
  },
  "another address": {
    collection: "users",
    begin: async () => {
      const ann = await somebody();
      const { flowId } = await ask("user.email.change", { email: "new@example.org" }, ann);
      const code = codeOf(user.mails.at(-1)!);
      return () => ask("user.email.confirm", { flowId, code }, ann);
    },
    // The old one's owner is who has to know.
    mail: { template: "email-changed", to: email },
  },
  "a second factor": {
    collection: "users",
    begin: async () => {
      const ann = await somebody();
      const { uri } = await ask("user.totp.begin", {}, ann);
      const code = new TOTP({ secret: new URL(uri).searchParams.get("secret")! }).generate({ timestamp: Date.now() });
      return () => ask("user.totp.confirm", { code }, ann);
    },
    mail: { template: "totp-changed", to: email },
  },
  "no second factor any more": {
    collection: "users",
    begin: async () => {
      const ann = await somebody();
      await service().store.changeUser({ _id: ann.userId! }, { totpSecret: "JBSWY3DPEHPK3PXP" });
      return () => ask("user.totp.remove", {}, ann);
    },
    mail: { template: "totp-changed", to: email },
  },
  "an erasure": {
    collection: "users",
    begin: async () => {
      const ann = await somebody();
      return () => ask("user.me.erase", {}, ann);
    },
    mail: { template: "erasure-begun", to: email },
  },
  "a sign-in from elsewhere": {
    collection: "sessions",
    begin: async () => (await somebody(), () => ask("user.session.login", { email, password }, { address: "203.0.113.9" })),
    mail: { template: "new-device", to: email },
  },
};

describe.each(Object.entries(causes))("%s", (_, { collection, begin, mail }) => {
  test("is answered while the mail service is away; its mail lies in the document of its cause, and goes out once", async () => {
    const act = await begin();
    user.mails.length = 0;
    user.mail.refuses = true;
    await act();
    expect(await enclosed(collection)).toHaveLength(1);
    expect(user.mails).toEqual([]);
    user.mail.refuses = false;
    await Promise.all([service().outbox.look(), service().outbox.look()]);
    expect(user.mails).toEqual([expect.objectContaining({ ...mail, language: "de" })]);
    expect(await enclosed(collection)).toEqual([]);
  });

  test("G5: that does not come about has no mail, and that comes about has one: one write stores both", async () => {
    const act = await begin();
    user.mails.length = 0;
    const stored = { users: "updateOne", flows: "insert", sessions: "insert" } as const;
    const table = service().store.mailing[collection];
    // The process dies as soon as the write is done: whatever it wanted to do after that is not done.
    const write = table[stored[collection]].bind(table) as (...args: unknown[]) => Promise<unknown>;
    const dead = new Promise<never>(() => {});
    const died = new Promise<void>((resolve) => {
      jest.spyOn(table, stored[collection]).mockImplementation((async (...args: unknown[]) => {
        const result = await write(...args);
        if (!JSON.stringify(args).includes("mailsAt")) return result;
        resolve();
        return dead;
      }) as never);
    });
    void act();
    await died;
    jest.spyOn(table, stored[collection]).mockImplementation(write as never);
    expect(user.mails).toEqual([]);
    await service().outbox.look();
    expect(user.mails).toEqual([expect.objectContaining(mail)]);
  });
});

test("a mail that its cause did not come to is not there: of a password that somebody else has changed meanwhile", async () => {
  const ann = await somebody();
  const epoch = service().store.nextEpoch.bind(service().store);
  jest.spyOn(service().store, "nextEpoch").mockImplementationOnce(async (userId, ...rest) => {
    await service().store.changeUser({ _id: userId }, { epoch: 77 });
    return epoch(userId, ...rest);
  });
  await expect(ask("user.password.change", { password: "another battery", current: password }, ann)).rejects.toThrow();
  await service().outbox.look();
  expect(user.mails).toEqual([]);
});

test("where there is no mail service at all the answer comes within five seconds", async () => {
  await somebody();
  await user.broker.destroyService("mail");
  const from = performance.now();
  await ask("user.code.request", { email });
  await ask("user.session.login", { email, password }, { address: "203.0.113.9" });
  expect(performance.now() - from).toBeLessThan(5000);
  expect([...(await enclosed("flows")), ...(await enclosed("sessions"))]).toHaveLength(2);
});

test("two sign-ins from one new place: the second is told of no more", async () => {
  await somebody();
  const from = { address: "203.0.113.9" };
  for (let sessions = 0; sessions < 2; sessions++) await ask("user.session.login", { email, password }, from);
  expect(user.mails).toHaveLength(1);
});

test("whoever signs in from elsewhere and out again while the mail service is away is told of all the same", async () => {
  await somebody();
  user.mail.refuses = true;
  const eve = await ask("user.session.login", { email, password }, { address: "203.0.113.9" });
  await ask("user.session.end", {}, askerOf(eve));
  passTime(days(1));
  await service().store.sweep({ now: Date.now(), usedAfter: 0 });
  user.mail.refuses = false;
  await service().outbox.look();
  expect(user.mails).toMatchObject([{ template: "new-device", to: email }]);
});

test("an account that is erased takes the mails with it that wait in what was its", async () => {
  const ann = await somebody();
  const { store, outbox } = service();
  user.mail.refuses = true;
  await ask("user.session.login", { email, password }, { address: "203.0.113.9" });
  await ask("user.code.request", { email });
  await ask("user.code.request", { email: "bob@example.org" });
  await ask("user.me.erase", {}, ann);
  const _id = uuid();
  const archive = { _id, userId: ann.userId!, requestedAt: 0, state: "ready" as const, leasedUntil: 0, expiresAt: Infinity };
  const mail = outbox.enclose("exports", _id, { template: "export-ready", to: email, data: { url: "/", days: 7 } });
  await store.people.beginExport({ ...archive, mails: [mail.mail], mailsAt: mail.mailsAt }, undefined);
  passTime(days(8));
  // Chat is done with it, and what the mail service is to forget is all that it can know.
  user.mail.refuses = false;
  jest.spyOn(store.people, "eraseOf").mockRejectedValueOnce(new Error("the node dies here"));
  await service().eraser!.look();
  expect(user.erased.mail).toEqual([email]);
  await outbox.look();
  expect(user.mails.map(({ to }) => to)).toEqual(["bob@example.org"]);
});

describe("on disk", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "confab-user-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  async function restart(env: Record<string, string> = {}): Promise<void> {
    await user.stop();
    user = await startUser({ DATA_DIR: folder, ...env });
  }
  const newKey = () =>
    generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }) as string;

  test("no file tells the code of a mail that waits; after a restart with another signing key it goes out, once, and is right", async () => {
    const [before, after] = [newKey(), newKey()];
    await restart({ SIGNING_KEY: before });
    user.mail.refuses = true;
    const { flowId } = await ask("user.code.request", { email });
    await restart({ SIGNING_KEY: after, OLD_SIGNING_KEYS: before.replaceAll("\n", "\\n") });
    const files = readdirSync(folder).map((file) => readFileSync(join(folder, file), "latin1"));
    await service().outbox.look();
    await service().outbox.look();
    expect(user.mails).toMatchObject([{ template: "code", to: email }]);
    const code = codeOf(user.mails[0]!);
    expect(files.join("\n")).toContain(flowId);
    // Neither what a mail is made of, nor what the database calls it.
    expect(files.join("\n")).not.toMatch(/"template|"minutes/);
    await ask("user.code.verify", { flowId, code, name: "Ann" });
  });
});

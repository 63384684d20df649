import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call, define } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { v7 as uuid } from "uuid";
import mailService from "./mail.service.ts";
import type { MailService } from "./service.ts";
import { declinedBy, hasDeclined, unsubscribeUrlOf } from "./unsubscribe.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A mail service, and a chat that notes what is ended there; `null` where there is none. */
async function start({ dir = "memory", ended = [] as unknown[] | null } = {}): Promise<MailService> {
  const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  if (ended) {
    const actions = define("chat.preference.unsubscribe", async ({ params }) => (ended.push(params), null));
    broker.createService({ name: "chat", actions } as ServiceSchema);
  }
  broker.createService(mailService({ DATA_DIR: dir, PUBLIC_URL: "https://chat.example.org/" }));
  await broker.start();
  closers.push(() => broker.stop());
  return broker.getLocalService("mail") as MailService;
}

const userId = uuid();
type Mailed = Parameters<typeof unsubscribeUrlOf>[1];
const mailed = (template: string, to = "Ann@example.org") => ({ template, to, data: { userId } }) as unknown as Mailed;
const tokenOf = async (mail: MailService, template: string, to?: string) =>
  (await unsubscribeUrlOf(mail, mailed(template, to)))!.replace("https://chat.example.org/unsubscribe/", "");
const take = (mail: MailService, token: string) => call(mail.broker, "mail.unsubscribe.take", { token });
const look = (mail: MailService, token: string) => call(mail.broker, "mail.unsubscribe.look", { token });

test("notifications, digests and invitations have a link, and what everybody must get has none", async () => {
  const mail = await start();
  for (const template of ["notification", "digest", "invitation"])
    expect(await tokenOf(mail, template)).toMatch(/^[\w-]{40,100}$/);
  for (const template of ["code", "register-code", "reset-code", "email-code", "password-changed", "new-device", "erasure-begun"])
    expect(await unsubscribeUrlOf(mail, mailed(template))).toBeUndefined();
});

test.each(["notification", "digest"] as const)("the link in a %s ends that kind of that user, and nothing else", async (kind) => {
  const ended: unknown[] = [];
  const mail = await start({ ended });
  const token = await tokenOf(mail, kind);
  expect(await look(mail, token)).toEqual({ kind });
  expect(ended).toEqual([]);
  expect(await take(mail, token)).toEqual({ kind });
  expect(ended).toEqual([{ userId, kind }]);
  // It is about the user, whatever address the mail went to.
  expect(await tokenOf(mail, kind, "ann@home.example")).toBe(token);
});

test("the link in an invitation ends those to that address, however it is written, and to no other", async () => {
  const ended: unknown[] = [];
  const mail = await start({ ended });
  const token = await tokenOf(mail, "invitation");
  expect(await hasDeclined(mail, mailed("invitation"))).toBe(false);
  for (let time = 1; time <= 2; time++) expect(await take(mail, token)).toEqual({ kind: "invitation" });
  expect(await hasDeclined(mail, mailed("invitation", "ann@EXAMPLE.org"))).toBe(true);
  expect(await declinedBy(mail, "ann@example.org")).toEqual(["invitation"]);
  expect(await hasDeclined(mail, mailed("invitation", "bob@example.org"))).toBe(false);
  for (const template of ["code", "digest", "notification"]) expect(await hasDeclined(mail, mailed(template))).toBe(false);
  expect(ended).toEqual([]);
});

test("a token with any bit changed is none, nor is one that is cut, grown, written otherwise or of another key", async () => {
  const [mail, other] = [await start(), await start()];
  for (const kind of ["notification", "digest", "invitation"]) {
    const token = await tokenOf(mail, kind);
    const bytes = Buffer.from(token, "base64url");
    const wrong = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      return changed.toString("base64url");
    });
    // The last letter says less than it could: four letters mean the same bytes.
    for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
      if (letter !== token.at(-1)) wrong.push(token.slice(0, -1) + letter);
    wrong.push(token.slice(0, -1), `${token}A`, `${token}=`, ` ${token}`, bytes.toString("base64url").slice(4), "A", "AA");
    wrong.push(await tokenOf(other, kind));
    for (const one of wrong) {
      expect(one).not.toBe(token);
      await expect(take(mail, one)).rejects.toMatchObject({ type: "not_found" });
      await expect(look(mail, one)).rejects.toMatchObject({ type: "not_found" });
    }
  }
});

test("neither in a token nor in the store can an address be read", async () => {
  const dir = mkdtempSync(join(tmpdir(), "confab-unsubscribe-"));
  closers.push(() => rmSync(dir, { recursive: true }));
  const mail = await start({ dir });
  const token = await tokenOf(mail, "invitation");
  await take(mail, token);
  expect(Buffer.from(token, "base64url").toString("latin1").toLowerCase()).not.toContain("ann");
  const stored = readdirSync(dir).map((file) => readFileSync(join(dir, file), "latin1"));
  expect(stored.join("\n")).toContain("invitation:");
  expect(stored.join("\n").toLowerCase()).not.toContain("ann");
});

test("a link is good after a new start, and the key is made once by however many need it at once", async () => {
  const dir = mkdtempSync(join(tmpdir(), "confab-unsubscribe-"));
  closers.push(() => rmSync(dir, { recursive: true }));
  const before = await start({ dir });
  const tokens = await Promise.all(Array.from({ length: 20 }, () => tokenOf(before, "digest")));
  expect(new Set(tokens).size).toBe(1);
  await closers.pop()!();
  const ended: unknown[] = [];
  expect(await take(await start({ dir, ended }), tokens[0]!)).toEqual({ kind: "digest" });
  expect(ended).toHaveLength(1);
});

test("where chat is away nothing is said to be ended", async () => {
  const mail = await start({ ended: null });
  await expect(take(mail, await tokenOf(mail, "digest"))).rejects.toMatchObject({ type: "SERVICE_NOT_FOUND" });
  // What needs no chat goes on.
  expect(await take(mail, await tokenOf(mail, "invitation"))).toEqual({ kind: "invitation" });
});

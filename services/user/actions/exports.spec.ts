import { randomBytes } from "node:crypto";
import { call, type Meta } from "@confab/mixins/define.ts";
import { strFromU8, unzipSync } from "fflate";
import sharp from "sharp";
import { v7 as uuid } from "uuid";
import { partBytes } from "../archive.ts";
import { makeNext, type ExportingService } from "../exporting.ts";
import { askerOf, days, minutes, passTime, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeAll(async () => void (user = await startUser({ DATA_DIR: "memory", PUBLIC_URL: "https://chat.example.org/" })));
afterAll(() => user.stop());
afterEach(() => {
  jest.restoreAllMocks();
  Object.assign(user.chat, { exporting: () => Promise.resolve() });
  user.mail.refuses = false;
});

const service = () => user.broker.getLocalService("user") as ExportingService;
const people = () => service().store.people;
const begin = (meta: Meta) => call(user.broker, "user.export.begin", {}, { meta });
const get = (meta: Meta) => call(user.broker, "user.export.get", {}, { meta });

let count = 0;
async function somebody() {
  const email = `ann${count++}@example.org`;
  const meta = askerOf(await user.signIn(email, { name: "Ann" }));
  return {
    meta,
    userId: meta.userId!,
    email,
    mails: () => user.mails.filter((one) => one.to === email && one.template === "export-ready"),
  };
}

async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const ready = (meta: Meta) =>
  until(async () => {
    const now = await get(meta);
    return now.state === "ready" ? now : undefined;
  });

/** As the gateway reads it. */
async function read(url: string): Promise<Buffer | null> {
  const [, exportId, token] = /\/exports\/([^?]+)\?token=(.+)$/.exec(url) ?? [];
  const parts: Buffer[] = [];
  for (let part = 0, of = 1; part < of; part++) {
    const found = await call(user.broker, "user.export.read", { exportId: exportId!, token: token!, part });
    if (!found) return null;
    expect(found.base64.length).toBeLessThanOrEqual(262_144);
    parts.push(Buffer.from(found.base64, "base64"));
    of = found.parts;
  }
  return Buffer.concat(parts);
}

async function open(url: string): Promise<Record<string, string>> {
  const files = unzipSync((await read(url))!);
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, strFromU8(bytes)]));
}
const lines = (text: string | undefined) =>
  (text ?? "")
    .trimEnd()
    .split("\n")
    .map((one) => JSON.parse(one) as Record<string, unknown>);

test("an archive has what every service holds, says what it is, and is mailed as a link", async () => {
  const ann = await somebody();
  const image = (
    await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
      .png()
      .toBuffer()
  ).toString("base64");
  const { avatar } = await call(user.broker, "user.avatar.put", { image }, { meta: ann.meta });
  const picture = (await call(user.broker, "user.avatar.read", { avatarId: avatar!.replace("/avatars/", "") }))!;
  user.held.chat.set(ann.userId, [[{ file: "chats", record: { chatId: 1 } }], [{ file: "chats", record: { chatId: 2 } }]]);
  user.held.mail.set(ann.userId, [[{ file: "mails", record: { to: ann.email } }]]);
  expect(await get(ann.meta)).toEqual({ state: "none", requestedAt: null, expiresAt: null, bytes: null, url: null });
  expect(await begin(ann.meta)).toMatchObject({ state: "preparing", url: null });
  const { url, bytes, expiresAt } = await ready(ann.meta);
  const files = await open(url!);
  expect(Object.keys(files).sort()).toEqual(
    ["README.txt", "account.json", "avatar.webp", "chats.ndjson", "mails.ndjson", "sessions.ndjson"].sort(),
  );
  expect(JSON.parse(files["account.json"]!)).toMatchObject({ id: ann.userId, email: ann.email, name: "Ann", hasPassword: false });
  expect(lines(files["chats.ndjson"])).toEqual([{ chatId: 1 }, { chatId: 2 }]);
  expect(lines(files["mails.ndjson"])).toEqual([{ to: ann.email }]);
  expect(lines(files["sessions.ndjson"])).toMatchObject([{ id: ann.meta.sessionId }]);
  for (const name of Object.keys(files)) if (name !== "README.txt") expect(files["README.txt"]).toContain(`${name}: `);
  const archive = (await read(url!))!;
  expect(archive.length).toBe(bytes);
  expect(Buffer.from(unzipSync(archive)["avatar.webp"]!).toString("base64")).toBe(picture.base64);
  expect(Date.parse(expiresAt!) - Date.now()).toBeGreaterThan(days(6.9));
  await until(() => ann.mails().length > 0);
  expect(ann.mails()).toMatchObject([{ data: { url: `https://chat.example.org${url}`, days: 7 } }]);
});

test("neither hashes nor secrets are in it", async () => {
  const meta = askerOf(await user.register("secretive@example.org", "correct horse battery"));
  const { store } = service();
  await store.changeUser({ _id: meta.userId! }, { totpSecret: "TOTPSECRET" });
  await begin(meta);
  const text = JSON.stringify(await open((await ready(meta)).url!));
  const { passwordHash } = (await store.userById(meta.userId!))!;
  const [session] = await store.sessionsOf(meta.userId!);
  for (const secret of [passwordHash!, "TOTPSECRET", session!.tokenHash, session!.nonce]) expect(text).not.toContain(secret);
  expect(JSON.parse((await open((await get(meta)).url!))["account.json"]!)).toMatchObject({ hasPassword: true, hasTotp: true });
});

test("a large one is made, kept and read in small parts, and is whole", async () => {
  const ann = await somebody();
  const records = Array.from({ length: 3000 }, (_, n) => ({
    file: "messages",
    record: { n, text: randomBytes(300).toString("hex") },
  }));
  const pages = Array.from({ length: 30 }, (_, at) => records.slice(at * 100, at * 100 + 100));
  user.held.chat.set(ann.userId, pages);
  const put = jest.spyOn(people(), "putPart");
  await begin(ann.meta);
  const { url } = await ready(ann.meta);
  expect(lines((await open(url!))["messages.ndjson"])).toEqual(records.map(({ record }) => record));
  const sizes = put.mock.calls.map(([, , base64]) => Buffer.from(base64, "base64").length);
  expect(sizes.length).toBeGreaterThan(3);
  expect(sizes.slice(0, -1).every((size) => size === partBytes)).toBe(true);
  expect(sizes.at(-1)).toBeLessThanOrEqual(partBytes);
});

test("it wants a recent sign-in, as does its link, and there is one at a time and a day", async () => {
  const ann = await somebody();
  const all = await Promise.all(Array.from({ length: 5 }, () => begin(ann.meta)));
  expect(new Set(all.map(({ requestedAt }) => requestedAt)).size).toBe(1);
  const first = await ready(ann.meta);
  expect(await begin(ann.meta)).toEqual(first);
  passTime(minutes(11));
  await expect(begin(ann.meta)).rejects.toMatchObject({ type: "user.recent_sign_in_required" });
  expect(await get(ann.meta)).toEqual({ ...first, url: null });
  await expect(begin({ userId: ann.userId, sessionId: uuid() })).rejects.toMatchObject({ type: "unauthenticated" });
  passTime(days(1));
  const again = askerOf(await user.signIn(ann.email));
  expect(await begin(again)).toMatchObject({ state: "preparing" });
  const second = await ready(again);
  expect(second.url).not.toBe(first.url);
  expect([await read(first.url!), await read(second.url!)].map((bytes) => bytes !== null)).toEqual([false, true]);
});

test("the link is good for whoever has all of it, and while the archive is there", async () => {
  const [ann, bob] = [await somebody(), await somebody()];
  await begin(ann.meta);
  await begin(bob.meta);
  const url = (await ready(ann.meta)).url!;
  const other = (await ready(bob.meta)).url!;
  const token = url.split("=")[1]!;
  const wrong = token.slice(0, -2) + (token.endsWith("AA") ? "BB" : "AA");
  for (const made of [
    url.replace(token, wrong),
    url.replace(token, other.split("=")[1]!),
    url.replace(token, "x"),
    url.replace(/[0-9a-f-]{36}/, uuid()),
  ])
    expect(await read(made)).toBeNull();
  expect(await read(url)).not.toBeNull();
  const kept = (await people().exportOf(ann.userId))!;
  passTime(days(7) + 1000);
  expect(await read(url)).toBeNull();
  await service().store.sweep({ now: Date.now(), usedAfter: 0 });
  expect([await people().exportOf(ann.userId), await people().partOf(kept, 0)]).toEqual([null, null]);
});

test("whoever dies in the middle leaves it to another, and what it made is in nobody's archive", async () => {
  const ann = await somebody();
  const large = { n: 1, text: randomBytes(300_000).toString("hex") };
  user.held.chat.set(ann.userId, [[{ file: "chats", record: large }], [{ file: "chats", record: { n: 2 } }]]);
  let wake = () => {};
  const stuck = new Promise<void>((resolve) => (wake = resolve));
  let reached = () => {};
  const inTheMiddle = new Promise<void>((resolve) => (reached = resolve));
  user.chat.exporting = async (_, cursor) => {
    if (cursor !== "1") return;
    user.chat.exporting = () => Promise.resolve();
    reached();
    await stuck;
  };
  await begin(ann.meta);
  await inTheMiddle;
  // While it is in hand, nobody else takes it.
  expect(await makeNext(service())).toBe(false);
  const dead = (await people().exportOf(ann.userId))!;
  expect(await people().partOf(dead, 0)).not.toBeNull();
  passTime(61_000);
  expect(await makeNext(service())).toBe(true);
  const meta = askerOf(await user.signIn(ann.email));
  const { url } = await ready(meta);
  const made = await read(url!);
  // The one that was taken for dead comes to itself again.
  wake();
  await service().exporter!.look();
  expect(await read(url!)).toEqual(made);
  expect(lines((await open(url!))["chats.ndjson"])).toEqual([large, { n: 2 }]);
  expect(await people().partOf(dead, 0)).toBeNull();
  expect(ann.mails()).toHaveLength(1);
});

test("where a service does not answer it is tried again later, and nothing is left of the first try", async () => {
  const ann = await somebody();
  user.held.chat.set(ann.userId, [[{ file: "chats", record: { n: randomBytes(300_000).toString("hex") } }], []]);
  user.chat.exporting = (_, cursor) => (cursor ? Promise.reject(new Error("away")) : Promise.resolve());
  await begin(ann.meta);
  await service().exporter!.look();
  expect(await get(ann.meta)).toMatchObject({ state: "preparing" });
  const failed = (await people().exportOf(ann.userId))!;
  expect(await people().partOf(failed, 0)).toBeNull();
  expect(await makeNext(service())).toBe(false);
  user.chat.exporting = () => Promise.resolve();
  passTime(31_000);
  await service().exporter!.look();
  expect(await get(ann.meta)).toMatchObject({ state: "ready" });
});

test("a node that stops lays it down, and the next one need not wait", async () => {
  const ann = await somebody();
  user.held.chat.set(ann.userId, [[], []]);
  const begun = { _id: uuid(), userId: ann.userId, requestedAt: 0, state: "preparing" as const, leasedUntil: 0 };
  await people().beginExport({ ...begun, expiresAt: Date.now() + days(1) }, undefined);
  expect(await makeNext(service(), () => true)).toBe(true);
  expect(await get(ann.meta)).toMatchObject({ state: "preparing" });
  expect(await makeNext(service())).toBe(true);
  expect(await get(ann.meta)).toMatchObject({ state: "ready" });
});

test("the mail is sent later where it cannot be accepted now, and once", async () => {
  const ann = await somebody();
  user.mail.refuses = true;
  await begin({ ...ann.meta, language: "de" });
  await ready(ann.meta);
  await service().exporter!.look();
  await service().outbox.look();
  expect(ann.mails()).toEqual([]);
  user.mail.refuses = false;
  for (let looks = 0; looks < 2; looks++) await service().outbox.look();
  expect(ann.mails()).toMatchObject([{ template: "export-ready", language: "de" }]);
  expect((await people().exportOf(ann.userId))!.mails).toBeUndefined();
});

test("of an account that is being erased none is made", async () => {
  const ann = await somebody();
  const begun = {
    _id: uuid(),
    userId: ann.userId,
    requestedAt: 0,
    state: "preparing" as const,
    leasedUntil: 0,
    expiresAt: Date.now() + days(1),
  };
  await service().store.changeUser({ _id: ann.userId }, { erasing: true });
  await people().beginExport(begun, undefined);
  await service().exporter!.look();
  expect(await people().exportOf(ann.userId)).toBeNull();
});

test("one that is made while the account begins to be erased is mailed no more: of its address the mail service has forgotten all", async () => {
  const ann = await somebody();
  user.held.chat.set(ann.userId, [[]]);
  user.chat.exporting = async () => void (await service().store.changeUser({ _id: ann.userId }, { erasing: true }));
  await begin(ann.meta);
  await service().exporter!.look();
  user.chat.exporting = () => Promise.resolve();
  await service().outbox.look();
  expect(ann.mails()).toEqual([]);
});

test("somebody without an address gets it from the account alone", async () => {
  const ann = await somebody();
  await service().store.changeUser({ _id: ann.userId }, {}, { email: true });
  await begin(ann.meta);
  await ready(ann.meta);
  await service().exporter!.look();
  expect((await people().exportOf(ann.userId))!.mails).toBeUndefined();
});

test("an address by the host's word alone may be a stranger's: it is mailed no link, and its mails are in nobody's archive", async () => {
  const ann = await somebody();
  await service().store.changeUser({ _id: ann.userId }, { emailVerified: false });
  const asked = jest.spyOn(user.broker, "call");
  await begin(ann.meta);
  expect((await ready(ann.meta)).url).not.toBeNull();
  await service().exporter!.look();
  expect((await people().exportOf(ann.userId))!.mails).toBeUndefined();
  expect(ann.mails()).toEqual([]);
  const addresses = asked.mock.calls.flatMap(([name, params]) => (name === "mail.person.export" ? [params] : []));
  expect(addresses).toEqual([{ userId: ann.userId, emails: [] }]);
});

test("of reports it has what one said oneself: neither the words of others, nor what administrators note", async () => {
  const ann = await somebody();
  const { admin } = service().store;
  const [reportId, userId, chatId, messageId, closedBy] = [uuid(), uuid(), uuid(), uuid(), uuid()];
  await admin.addReport({
    ...{ _id: reportId, openKey: "one", by: ann.userId, userId, chatId, messageId, reason: "abuse", text: "look" },
    ...{ quote: "rude words", state: "open", note: "", createdAt: 1000, closedAt: null, closedBy: null },
  });
  await admin.changeReport(reportId, { state: "resolved", note: "she reports everybody", closedAt: 2000, closedBy });
  await begin(ann.meta);
  const files = await open((await ready(ann.meta)).url!);
  expect(lines(files["reports.ndjson"])).toEqual([
    {
      ...{ id: reportId, userId, chatId, messageId, reason: "abuse", text: "look", state: "resolved" },
      ...{ createdAt: "1970-01-01T00:00:01.000Z", closedAt: "1970-01-01T00:00:02.000Z" },
    },
  ]);
});

import { actions, type Me } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { v7 as uuid } from "uuid";
import type { UserService } from "../service.ts";
import { tellAll } from "../telling.ts";
import { startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeAll(async () => void (user = await startUser()));
afterAll(() => user.stop());

test("I see my own account, with its address", async () => {
  const { user: me } = await user.signIn("me@example.org", { name: "Me" });
  const meta = { userId: me.id };
  const seen = await call(user.broker, "user.me.get", {}, { meta });
  expect(seen).toEqual(me);
  expect(compileSchema(actions["user.me.get"].returns)(seen)).toEqual([]);
});

test("I change my name; without one nothing changes", async () => {
  const { user: me } = await user.signIn("changing@example.org");
  const meta = { userId: me.id };
  expect(await call(user.broker, "user.me.change", { name: " New Name " }, { meta })).toEqual({ ...me, name: "New Name" });
  expect(await call(user.broker, "user.me.change", {}, { meta })).toEqual({ ...me, name: "New Name" });
  await expect(call(user.broker, "user.me.change", { name: "  " }, { meta })).rejects.toMatchObject({ type: "VALIDATION_ERROR" });
});

test("my own log is told of a changed profile, later where that is not possible now, and once", async () => {
  const { user: me } = await user.signIn("telling@example.org");
  const meta = { userId: me.id };
  const ofMine = () => user.noted.filter(({ userId }) => userId === me.id);
  await call(user.broker, "user.me.change", { name: "First" }, { meta });
  user.chat.refuses = true;
  await call(user.broker, "user.me.change", { name: "Second" }, { meta });
  expect(ofMine()).toEqual([{ userId: me.id, name: "First", avatar: null, version: 1 }]);
  user.chat.refuses = false;
  const service = user.broker.getLocalService("user") as UserService;
  await tellAll(service);
  await tellAll(service);
  expect(ofMine().slice(1)).toEqual([{ userId: me.id, name: "Second", avatar: null, version: 2 }]);
});

test("who has no account any more must sign in", async () => {
  const meta = { userId: uuid() };
  await expect(call(user.broker, "user.me.get", {}, { meta })).rejects.toMatchObject({ type: "unauthenticated" });
  await expect(call(user.broker, "user.me.change", { name: "Nobody" }, { meta })).rejects.toMatchObject({
    type: "unauthenticated",
  });
});

test("what the host keeps at my profile is 8 KB at most", async () => {
  const { user: me } = await user.signIn("data@example.org");
  const meta = { userId: me.id };
  const data = { team: "ä".repeat(4000) };
  expect(await call(user.broker, "user.me.change", { data }, { meta })).toEqual({ ...me, data });
  const tooMuch = call(user.broker, "user.me.change", { data: { team: "ä".repeat(4100) } }, { meta });
  await expect(tooMuch).rejects.toMatchObject({ type: "bad_input", data: { errors: [{ field: "data" }] } });
  expect(await call(user.broker, "user.me.get", {}, { meta })).toEqual({ ...me, data });
});

const profile = ({ id, name }: { id: string; name: string }) => ({ id, name, avatar: null, data: {} });
const find = async (userId: string, q: string, on = user) =>
  (await call(on.broker, "user.profile.find", { q }, { meta: { userId } })).items.map(({ name }) => name);

async function signInAll(on: TestUser, address: string, names: readonly string[]): Promise<Me[]> {
  const people: Me[] = [];
  for (const [at, name] of names.entries()) people.push((await on.signIn(`${address}${at}@example.org`, { name })).user);
  return people;
}

describe("the directory", () => {
  test("whoever met me sees my profile, without the address; to others I am not there", async () => {
    const { user: ann } = await user.signIn("ann@example.org", { name: "Ann" });
    const { user: bob } = await user.signIn("bob@example.org", { name: "Bob" });
    const [friend, stranger] = [uuid(), uuid()];
    user.met.set(friend, [bob.id, ann.id]);
    const get = (userId: string, of: string) => call(user.broker, "user.profile.get", { userId: of }, { meta: { userId } });
    const lookup = (userId: string, of: string[]) =>
      call(user.broker, "user.profile.lookup", { userIds: of }, { meta: { userId } });
    expect(await get(friend, ann.id)).toEqual(profile(ann));
    expect(await get(ann.id, ann.id)).toEqual(profile(ann));
    expect(await lookup(friend, [ann.id, uuid(), bob.id])).toEqual({ items: [profile(ann), profile(bob)] });
    expect(await lookup(stranger, [ann.id, bob.id])).toEqual({ items: [] });
    const unseen = await get(stranger, ann.id).catch((err: unknown) => err as Error);
    const unknown = await get(stranger, uuid()).catch((err: unknown) => err as Error);
    expect(unseen).toMatchObject({ type: "user.not_found", code: 404 });
    expect({ ...unseen }).toEqual({ ...unknown });
  });

  test("by the exact address one finds whoever does not mind, and has not blocked one", async () => {
    const { user: carol } = await user.signIn("carol@example.org", { name: "Carol" });
    const me = uuid();
    expect(await call(user.broker, "user.profile.find", { q: " CAROL@example.org " }, { meta: { userId: me } })).toEqual({
      items: [profile(carol)],
      nextCursor: null,
    });
    for (const q of ["carol", "carol@example", "arol@example.org", "nobody@example.org"]) expect(await find(me, q)).toEqual([]);
    user.hidden.set(carol.id, [me]);
    expect(await find(me, "carol@example.org")).toEqual([]);
    expect(await find(uuid(), "carol@example.org")).toEqual(["Carol"]);
    user.hidden.set(carol.id, "all");
    expect(await find(uuid(), "carol@example.org")).toEqual([]);
    await expect(call(user.broker, "user.profile.find", { q: "carol@example.org" })).rejects.toMatchObject({
      type: "unauthenticated",
    });
  });

  test("nobody is found by an address that they have by the host's word alone: it may be somebody else's", async () => {
    const { user: fran } = await user.signIn("fran@example.org", { name: "Fran" });
    const { store } = user.broker.getLocalService("user") as UserService;
    await store.changeUser({ _id: fran.id }, { emailVerified: false });
    expect(await find(uuid(), "fran@example.org")).toEqual([]);
    await store.changeUser({ _id: fran.id }, { emailVerified: true });
    expect(await find(uuid(), "fran@example.org")).toEqual(["Fran"]);
  });

  test("an address without an account is asked about as one with: by the same calls", async () => {
    const asked: string[] = [];
    const watched = await startUser();
    const inner = watched.broker.call.bind(watched.broker);
    const { user: dora } = await watched.signIn("dora@example.org");
    jest.spyOn(watched.broker, "call").mockImplementation(((name: string, ...rest: [object]) => {
      asked.push(name);
      return inner(name, ...rest);
    }) as never);
    await find(uuid(), "dora@example.org", watched);
    const known = asked.splice(0);
    watched.hidden.set(dora.id, "all");
    await find(uuid(), "nobody@example.org", watched);
    expect(asked).toEqual(known);
    expect(known).toContain("chat.people.findable");
    jest.restoreAllMocks();
    await watched.stop();
  });

  test("among those whom one met, by any word of the name, without regard to marks and case, page by page", async () => {
    const me = uuid();
    const names = ["Zoë Müller", "zoe Abel", "Anna Zoepfl", "Bob O'Zoe", "Zo"];
    const people = await signInAll(user, "zoe", names);
    const { user: unmet } = await user.signIn("zoe9@example.org", { name: "Zoe Unmet" });
    user.met.set(
      me,
      people.map(({ id }) => id),
    );
    const all = ["Anna Zoepfl", "Bob O'Zoe", "zoe Abel", "Zoë Müller"];
    expect(await find(me, "ZOE")).toEqual(all);
    expect(await find(me, "mull")).toEqual(["Zoë Müller"]);
    expect(await find(me, "epfl")).toEqual([]);
    expect(await find(unmet.id, "Zoe")).toEqual([]);
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const params = { q: "zoe", limit: 1, ...(cursor ? { cursor } : {}) };
      const page = await call(user.broker, "user.profile.find", params, { meta: { userId: me } });
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor);
    expect(seen).toEqual(all);
    const made = call(user.broker, "user.profile.find", { q: "zoe", cursor: "made-up" }, { meta: { userId: me } });
    await expect(made).rejects.toMatchObject({ type: "bad_input" });
  });

  test("closed, it finds nobody; who met still see each other", async () => {
    const off = await startUser({ DATA_DIR: "memory", DIRECTORY: "off" });
    const { user: ann } = await off.signIn("ann@example.org", { name: "Ann" });
    const me = uuid();
    off.met.set(me, [ann.id]);
    expect([...(await find(me, "ann@example.org", off)), ...(await find(me, "Ann", off))]).toEqual([]);
    expect(await call(off.broker, "user.profile.get", { userId: ann.id }, { meta: { userId: me } })).toEqual(profile(ann));
    await off.stop();
  });

  test("open, it shows everybody, but for the banned, those on their way out, and the erased", async () => {
    const open = await startUser({ DATA_DIR: "memory", DIRECTORY: "all" });
    const names = ["Ada", "Adam", "Adele", "Adrian", "Bob Ada"];
    const people = await signInAll(open, "a", names);
    const [ada, adam, adele] = people as [Me, Me, Me];
    const me = uuid();
    const { store } = open.broker.getLocalService("user") as UserService;
    expect(await find(me, "ad", open)).toEqual(names.slice(0, 4));
    const long = { q: "ad", limit: 3 };
    const page = await call(open.broker, "user.profile.find", long, { meta: { userId: me } });
    const rest = await call(open.broker, "user.profile.find", { ...long, cursor: page.nextCursor! }, { meta: { userId: me } });
    expect([...page.items, ...rest.items].map(({ name }) => name)).toEqual(names.slice(0, 4));
    expect(rest.nextCursor).toBeNull();
    await store.changeUser({ _id: ada.id }, { ban: { reason: "", at: 1 } });
    await store.changeUser({ _id: adam.id }, { erasing: true });
    await store.changeUser({ _id: adele.id }, { erasedAt: 1 });
    expect(await find(me, "ad", open)).toEqual(["Adrian"]);
    expect([...(await find(me, "a0@example.org", open)), ...(await find(me, "a1@example.org", open))]).toEqual([]);
    // Whoever met the erased sees that somebody was there; nobody else does.
    const get = (userId: string) => call(open.broker, "user.profile.get", { userId: adele.id }, { meta: { userId } });
    await expect(get(me)).rejects.toMatchObject({ type: "user.not_found" });
    open.met.set(me, [adele.id]);
    expect(await get(me)).toMatchObject({ id: adele.id });
    expect(await call(open.broker, "user.profile.get", { userId: ada.id }, { meta: { userId: me } })).toEqual(profile(ada));
    await open.stop();
  });
});

test("the known among many users", async () => {
  const { user: dave } = await user.signIn("dave@example.org");
  expect(await call(user.broker, "user.profile.known", { userIds: [uuid(), dave.id] })).toEqual({ userIds: [dave.id] });
});

test("mails that nobody asked for go where the address is proved, to those whose account is open and to stay", async () => {
  const ids: string[] = [];
  for (const name of ["open", "banned", "unbanned", "leaving", "erasing", "claimed"])
    ids.push((await user.signIn(`${name}@recipients.example`, { name })).user.id);
  const [open, banned, unbanned, leaving, erasing, claimed] = ids as [string, string, string, string, string, string];
  const { store } = user.broker.getLocalService("user") as UserService;
  const now = Date.now();
  await store.changeUser({ _id: banned }, { ban: { reason: "spam", at: now } });
  await store.changeUser({ _id: unbanned }, { ban: { reason: "spam", at: now - 2, until: now - 1 } });
  await store.changeUser({ _id: leaving }, { eraseAt: now + 86_400_000 });
  await store.changeUser({ _id: erasing }, { erasing: true });
  await store.changeUser({ _id: claimed }, { emailVerified: false });
  const { items } = await call(user.broker, "user.recipient.list", { userIds: [...ids, uuid()] });
  expect(items.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { userId: open, email: "open@recipients.example", name: "open" },
    { userId: unbanned, email: "unbanned@recipients.example", name: "unbanned" },
  ]);
  const find = async (name: string) =>
    (await call(user.broker, "user.recipient.find", { email: `${name}@Recipients.example` })).user;
  expect(await find("open")).toEqual({ userId: open, isProved: true, isOpen: true });
  expect(await find("claimed")).toEqual({ userId: claimed, isProved: false, isOpen: true });
  for (const name of ["banned", "leaving", "erasing"]) expect(await find(name)).toMatchObject({ isProved: true, isOpen: false });
  expect(await find("nobody")).toBeNull();
});

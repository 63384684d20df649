import type { Me } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import sharp, { type Sharp } from "sharp";
import { v7 as uuid } from "uuid";
import type { UserService } from "../service.ts";
import { passTime, startUser, type TestUser } from "../testing.ts";

let user: TestUser;
beforeAll(async () => void (user = await startUser()));
afterAll(() => user.stop());
afterEach(() => void jest.restoreAllMocks());

let people = 0;
const somebody = async () => (await user.signIn(`somebody${people++}@example.org`)).user;
const put = (userId: string, image: string) => call(user.broker, "user.avatar.put", { image }, { meta: { userId } });
const read = (avatarId: string) => call(user.broker, "user.avatar.read", { avatarId });
const idOf = ({ avatar }: Pick<Me, "avatar">) => avatar!.replace("/avatars/", "");
const base64 = async (picture: Sharp) => (await picture.toBuffer()).toString("base64");
const store = () => (user.broker.getLocalService("user") as UserService).store;

/** Left half red, right half blue. */
const twoHalves = (width = 400, height = 300) =>
  sharp({ create: { width, height, channels: 3, background: "red" } }).composite([
    { input: { create: { width: width / 2, height, channels: 3, background: "blue" } }, left: width / 2, top: 0 },
  ]);

test("a picture is cut square and made small, whatever it came as", async () => {
  const me = await somebody();
  for (const picture of [twoHalves().jpeg(), twoHalves().png(), twoHalves().webp(), twoHalves().gif()]) {
    const { type, base64: stored } = (await read(idOf(await put(me.id, await base64(picture)))))!;
    expect(type).toBe("image/webp");
    expect(await sharp(Buffer.from(stored, "base64")).metadata()).toMatchObject({ format: "webp", width: 256, height: 256 });
  }
});

test("it stands upright, and nothing else of the file is kept: not who took it, nor where", async () => {
  const me = await somebody();
  const photo = await twoHalves(400, 400)
    .withExif({ IFD0: { Artist: "Ann" }, IFD3: { GPSLatitude: "51/1 30/1 0/1", GPSLatitudeRef: "N" } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const given = await sharp(photo).metadata();
  expect(given.exif!.includes("Ann")).toBe(true);
  expect(given.orientation).toBe(6);
  const stored = Buffer.from((await read(idOf(await put(me.id, photo.toString("base64")))))!.base64, "base64");
  const kept = await sharp(stored).metadata();
  expect([kept.exif, kept.icc, kept.xmp, kept.iptc, kept.orientation]).toEqual(Array(5).fill(undefined));
  expect(stored.includes("Ann") || stored.includes("GPS")).toBe(false);
  // Turned by a quarter: what was on the left is on top.
  const { data, info } = await sharp(stored).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * info.channels).subarray(0, 3)];
  expect(at(128, 20)[0]).toBeGreaterThan(200);
  expect(at(128, 235)[2]).toBeGreaterThan(200);
});

test("what is no picture is refused, whatever it says to be, and nothing changes", async () => {
  const me = await somebody();
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>').toString("base64");
  const torn = (await twoHalves().png().toBuffer()).subarray(0, 60).toString("base64");
  const tiff = await base64(twoHalves().tiff());
  for (const image of ["", "hello", svg, torn, tiff]) {
    await expect(put(me.id, image)).rejects.toMatchObject({
      type: "bad_input",
      data: { errors: [{ field: "image", code: "image" }] },
    });
  }
  const large = await base64(sharp({ create: { width: 7200, height: 7000, channels: 3, background: "red" } }).png());
  await expect(put(me.id, large)).rejects.toMatchObject({ data: { errors: [{ field: "image", code: "too_large" }] } });
  expect(await call(user.broker, "user.me.get", {}, { meta: { userId: me.id } })).toEqual(me);
});

test("each picture has an id of its own, the one before goes, and my own log is told", async () => {
  const me = await somebody();
  const image = await base64(twoHalves().png());
  const first = await put(me.id, image);
  const second = await put(me.id, image);
  expect(idOf(second)).not.toBe(idOf(first));
  expect(await read(idOf(first))).toBeNull();
  expect(await read(idOf(second))).not.toBeNull();
  const removed = await call(user.broker, "user.avatar.remove", {}, { meta: { userId: me.id } });
  expect(removed).toEqual({ ...second, avatar: null });
  expect(await call(user.broker, "user.avatar.remove", {}, { meta: { userId: me.id } })).toEqual(removed);
  expect(await read(idOf(second))).toBeNull();
  const told = user.noted.filter(({ userId }) => userId === me.id).map(({ avatar, version }) => [avatar, version]);
  expect(told).toEqual([
    [first.avatar, 1],
    [second.avatar, 2],
    [null, 3],
  ]);
});

test("of an account that is being erased none is kept", async () => {
  const me = await somebody();
  await store().changeUser({ _id: me.id }, { erasing: true });
  const putAvatar = jest.spyOn(store().people, "putAvatar");
  await expect(put(me.id, await base64(twoHalves().png()))).rejects.toMatchObject({ type: "unauthenticated" });
  expect(await read(putAvatar.mock.calls[0]![0]._id)).toBeNull();
});

test("two at once leave one that is there", async () => {
  const me = await somebody();
  const image = await base64(twoHalves().png());
  await Promise.all(Array.from({ length: 5 }, () => put(me.id, image)));
  const now = await call(user.broker, "user.me.get", {}, { meta: { userId: me.id } });
  expect(await read(idOf(now))).not.toBeNull();
});

test("a picture that nobody named, as its process died, goes with the next change", async () => {
  const me = await somebody();
  const stray = { _id: uuid(), userId: me.id, type: "image/webp", base64: "", createdAt: Date.now() };
  await store().people.putAvatar(stray);
  const image = await base64(twoHalves().png());
  const mine = await put(me.id, image);
  // It may be that somebody is just about to name it.
  expect(await read(stray._id)).not.toBeNull();
  passTime(3_600_000);
  const next = await put(me.id, image);
  expect(await read(stray._id)).toBeNull();
  expect([await read(idOf(mine)), await read(idOf(next))].map(Boolean)).toEqual([false, true]);
});

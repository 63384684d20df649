import { actionEntries } from "@confab/contracts";
import { Rates, presentRates, rateSettings, requireRoom, type Asker } from "./rates.ts";
import { noRates } from "./rates.testing.ts";

const quiet = { warn: () => {}, info: () => {}, debug: () => {} };
const open = (env: Record<string, string>) => new Rates(rateSettings.read({ ...noRates, ...env }), quiet);

type Contract = Parameters<Rates["admit"]>[0];
const none: Contract = {};
const nobody: Asker = { address: "192.0.2.1" };
const ann: Asker = { address: "192.0.2.1", userId: "ann" };

/** How often in a row something is let through, of ten times. */
async function timesOf(
  rates: Rates,
  { contract = none, asker = ann, params = {} }: { contract?: Contract; asker?: Asker; params?: object },
) {
  for (let times = 0; times < 10; times++) {
    const ofAddress = await rates.admitAddress(asker.address);
    if (ofAddress.some(({ isOver }) => isOver)) return times;
    if (asker.userId ?? asker.keyId) rates.forgiveAddress(asker.address);
    const standings = await rates.admit(contract, asker, params);
    if (standings.some(({ isOver }) => isOver)) return times;
    rates.noteDone(contract, params);
  }
  return 10;
}

const find: Contract = { budget: "find" };
const write: Contract = { budget: "chat" };
const guess: Contract = { budget: "sign-in" };

test.each<[string, Record<string, string>, Parameters<typeof timesOf>[1], Parameters<typeof timesOf>[1], number]>([
  ["an account has one, from wherever", { RATE_USER: "3" }, {}, { asker: { ...ann, address: "192.0.2.2" } }, 0],
  ["another account has its own", { RATE_USER: "3" }, {}, { asker: { ...ann, userId: "bob" } }, 3],
  ["an address has one, whoever asks", { RATE_ADDRESS: "3" }, { asker: nobody }, { asker: nobody }, 0],
  ["another address has its own", { RATE_ADDRESS: "3" }, { asker: nobody }, { asker: { address: "192.0.2.2" } }, 3],
  ["who is signed in takes nothing from it", { RATE_ADDRESS: "2", RATE_USER: "3" }, {}, { asker: { ...ann, userId: "bob" } }, 3],
  ["where it is used up, nobody is asked who they are", { RATE_ADDRESS: "3" }, { asker: nobody }, {}, 0],
  [
    "a network of IPv6 is one address",
    { RATE_ADDRESS: "3" },
    { asker: { address: "2001:db8::1" } },
    { asker: { address: "2001:db8::9:9:9:9" } },
    0,
  ],
  [
    "another network is another",
    { RATE_ADDRESS: "3" },
    { asker: { address: "2001:db8::1" } },
    { asker: { address: "2001:db8:0:1::1" } },
    3,
  ],
  [
    "a server key has one, in place of its address",
    { RATE_KEY: "3", RATE_ADDRESS: "2" },
    { asker: { address: "192.0.2.1", keyId: "k" } },
    { asker: { address: "192.0.2.1", keyId: "other" } },
    3,
  ],
  [
    "costly reads have one of an account",
    { RATE_FIND: "3" },
    { contract: find },
    { contract: find, asker: { ...ann, address: "192.0.2.2" } },
    0,
  ],
  ["which holds nothing else up", { RATE_FIND: "3" }, { contract: find }, {}, 10],
  [
    "guesses have one of an address, whoever asks",
    { RATE_SIGN_IN: "3" },
    { contract: guess },
    { contract: guess, asker: { address: "192.0.2.1" } },
    0,
  ],
  ["which holds nothing else up", { RATE_SIGN_IN: "3" }, { contract: guess }, {}, 10],
  [
    "a chat has one, whoever writes",
    { RATE_CHAT: "3" },
    { contract: write, params: { chatId: "c" } },
    { contract: write, params: { chatId: "c" }, asker: { ...ann, userId: "bob" } },
    0,
  ],
  [
    "another chat has its own",
    { RATE_CHAT: "3" },
    { contract: write, params: { chatId: "c" } },
    { contract: write, params: { chatId: "d" } },
    3,
  ],
])("%s (%j)", async (_what, env, first, second, left) => {
  const rates = open(env);
  expect(await timesOf(rates, first)).toBe(3);
  expect(await timesOf(rates, second)).toBe(left);
});

test("0 is no limit, and tells none", async () => {
  const rates = open({});
  expect(await timesOf(rates, { contract: write, params: { chatId: "c" } })).toBe(10);
  expect(await rates.admitAddress("192.0.2.1")).toEqual([]);
  expect(presentRates([])).toEqual({});
});

test("what was refused in a chat uses nothing of it up", async () => {
  const rates = open({ RATE_CHAT: "1" });
  for (let at = 0; at < 5; at++) requireRoom(await rates.admit(write, ann, { chatId: "c" }));
  rates.noteDone(write, { chatId: "c" });
  const refused = await rates.admit(write, ann, { chatId: "c" });
  expect(() => requireRoom(refused)).toThrow(expect.objectContaining({ type: "too_many_requests" }));
});

test("what is over is over until its minute is", async () => {
  jest.useFakeTimers();
  try {
    const rates = open({ RATE_USER: "1" });
    await rates.admit(none, ann, {});
    jest.advanceTimersByTime(20_500);
    const [standing] = await rates.admit(none, ann, {});
    expect(standing).toEqual({ name: "user", limit: 1, remaining: 0, wholeIn: 40, isOver: true });
    expect(() => requireRoom([standing!])).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ retryAfter: 40 }) }),
    );
    jest.advanceTimersByTime(39_600);
    expect(await rates.admit(none, ann, {})).toMatchObject([{ isOver: false }]);
  } finally {
    jest.useRealTimers();
  }
});

test("are told as structured fields", async () => {
  const rates = open({ RATE_USER: "5", RATE_FIND: "2" });
  expect(presentRates(await rates.admit(find, ann, {}))).toEqual({
    "RateLimit-Policy": '"user";q=5;w=60, "find";q=2;w=60',
    RateLimit: '"user";r=4;t=60, "find";r=1;t=60',
  });
});

test("whatever has the budget of a chat names its chat in its path", () => {
  const writing = actionEntries.filter(([, { budget }]) => budget === "chat");
  expect(writing.map(([name]) => name)).toEqual(
    expect.arrayContaining(["chat.message.send", "chat.reaction.add", "chat.host.send"]),
  );
  for (const [name, { rest }] of writing) expect([name, rest]).toEqual([name, expect.stringContaining("/:chatId/")]);
});

test("whatever guesses, or mails what is guessed, has the budget of guesses", () => {
  const guessing = actionEntries.filter(
    ([, { params, rest }]) =>
      rest?.includes(" /auth/") && ["code", "password", "email", "totp", "token"].some((field) => field in params.properties),
  );
  expect(guessing.length).toBeGreaterThan(5);
  expect(guessing.filter(([, { budget }]) => budget !== "sign-in").map(([name]) => name)).toEqual([]);
});

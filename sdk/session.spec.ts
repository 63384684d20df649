import type { SignedIn } from "@confab/contracts";
import { exclusively, memoryStorage } from "./platform.ts";
import { ApiProblem, offline } from "./problem.ts";
import { Session, type TokenPair } from "./session.ts";
import { meOf } from "./testing.ts";

const signedIn: SignedIn = {
  user: meOf("u1", { name: "Ann", email: "ann@example.com" }),
  accessToken: "access-1",
  refreshToken: "refresh-1",
  expiresIn: 300,
};

const refused = () =>
  Promise.reject(new ApiProblem({ type: "", title: "", status: 401, code: "user.bad_refresh_token", detail: "", requestId: "" }));

function sessionOf(refresh: (token: string) => Promise<TokenPair>, storage = memoryStorage(), lock = exclusively) {
  const clock = { now: 0 };
  const asked: string[] = [];
  const session = new Session({
    name: "test",
    storage,
    lock,
    now: () => clock.now,
    refresh: (token) => (asked.push(token), refresh(token)),
  });
  return { session, clock, asked, storage };
}

const next = () => Promise.resolve({ accessToken: "access-2", refreshToken: "refresh-2", expiresIn: 300 });

test("a token is used as long as it has time to live, and then refreshed", async () => {
  const { session, clock, asked } = sessionOf(next);
  session.begin(signedIn);
  clock.now = 269_000;
  expect(await session.token()).toBe("access-1");
  clock.now = 271_000;
  expect(await session.token()).toBe("access-2");
  expect(asked).toEqual(["refresh-1"]);
});

test("parallel callers share one refresh", async () => {
  const { session, clock, asked } = sessionOf(next);
  session.begin(signedIn);
  clock.now = 400_000;
  const tokens = await Promise.all([session.token(), session.token(), session.token("access-1")]);
  expect(tokens).toEqual(["access-2", "access-2", "access-2"]);
  expect(asked).toHaveLength(1);
});

test("a token that the server refused is replaced, once, also where another tab did it already", async () => {
  const { session, asked, storage } = sessionOf(next);
  const other = sessionOf(next, storage);
  session.begin(signedIn);
  expect(await session.token("access-1")).toBe("access-2");
  expect(await other.session.token("access-1")).toBe("access-2");
  expect(asked).toHaveLength(1);
  expect(other.asked).toHaveLength(0);
});

test("a refused refresh signs out; an unreachable server does not", async () => {
  const away = sessionOf(() => Promise.reject(offline()));
  away.session.begin(signedIn);
  await expect(away.session.token("access-1")).rejects.toMatchObject({ code: "offline" });
  expect(away.session.user.get()?.name).toBe("Ann");

  const over = sessionOf(refused);
  over.session.begin(signedIn);
  await expect(over.session.token("access-1")).rejects.toMatchObject({ code: "user.bad_refresh_token" });
  expect(over.session.user.get()).toBeNull();
  await expect(over.session.token()).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a refresh that ends after signing out does not bring the session back", async () => {
  let answer: (pair: TokenPair) => void = () => {};
  const { session } = sessionOf(() => new Promise((resolve) => (answer = resolve)));
  session.begin(signedIn);
  const token = session.token("access-1");
  session.end();
  answer(await next());
  await expect(token).rejects.toMatchObject({ code: "unauthenticated" });
  expect(session.user.get()).toBeNull();
});

test("the session is found again by the next start", () => {
  const { session, storage } = sessionOf(next);
  session.begin(signedIn);
  expect(sessionOf(next, storage).session.user.get()).toEqual(signedIn.user);
});

test("two tabs at once refresh once: the second finds what the first got", async () => {
  let queue: Promise<unknown> = Promise.resolve();
  const lock: typeof exclusively = (_, run) => {
    const turn = queue.then(run);
    queue = turn;
    return turn;
  };
  const one = sessionOf(next, memoryStorage(), lock);
  const two = sessionOf(next, one.storage, lock);
  one.session.begin(signedIn);
  expect(await Promise.all([one.session.token("access-1"), two.session.token("access-1")])).toEqual(["access-2", "access-2"]);
  expect([...one.asked, ...two.asked]).toEqual(["refresh-1"]);
});

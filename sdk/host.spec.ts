import { HostIdentity } from "./host.ts";
import { nobody, offline } from "./problem.ts";
import { meOf } from "./testing.ts";

function hostOf(tokens: (string | Error)[], read: (token: string) => string | Error = () => "ann") {
  const asked: string[] = [];
  const identity = new HostIdentity({
    async getToken() {
      const token = tokens.length > 1 ? tokens.shift()! : tokens[0]!;
      asked.push(String(token));
      if (token instanceof Error) throw token;
      return token;
    },
    async readUser(token) {
      const name = read(token);
      if (name instanceof Error) throw name;
      return meOf(name);
    },
  });
  return { identity, asked };
}

test("the user is known with the first token, for which all callers ask once", async () => {
  const { identity, asked } = hostOf(["t1"]);
  expect(identity.user.get()).toBeNull();
  expect(await Promise.all([identity.token(), identity.token()])).toEqual(["t1", "t1"]);
  expect(identity.user.get()?.name).toBe("ann");
  expect(await identity.token()).toBe("t1");
  expect(asked).toEqual(["t1"]);
});

test("the host is asked again when a token was refused, also at once where it is the first that is no good", async () => {
  const later = hostOf(["t1", "t2"]);
  await later.identity.token();
  expect(await later.identity.token("t1")).toBe("t2");
  const stale = hostOf(["t1", "t2"], (token) => (token === "t1" ? nobody() : "ann"));
  expect(await stale.identity.token()).toBe("t2");
  const hopeless = hostOf(["t1"], () => nobody());
  await expect(hopeless.identity.token()).rejects.toMatchObject({ code: "unauthenticated" });
  expect(hopeless.asked).toHaveLength(2);
});

test("a host that fails, or a server that is away, is passing", async () => {
  await expect(hostOf([new Error("host is down")]).identity.token()).rejects.toMatchObject({ code: "offline", passing: true });
  await expect(hostOf(["t1"], () => offline()).identity.token()).rejects.toMatchObject({ code: "offline" });
});

test("a revoked session is a reason to ask; another user's token makes it another user", async () => {
  const { identity } = hostOf(["t1", "t2"], (token) => (token === "t1" ? "ann" : "bob"));
  await identity.token();
  identity.revoked();
  expect(identity.user.get()?.name).toBe("ann");
  expect(await identity.token()).toBe("t2");
  expect(identity.user.get()?.name).toBe("bob");
  identity.end();
  expect(identity.user.get()).toBeNull();
});

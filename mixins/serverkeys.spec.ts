import type { ServiceBroker } from "moleculer";
import { ServerKeys } from "./serverkeys.ts";

const good = "ck_good";

function open() {
  const asked: string[] = [];
  const call = async (_name: string, { key }: { key: string }) => {
    asked.push(key);
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (key === "ck_away") throw new Error("away");
    return key === good ? { keyId: "k", scopes: ["users"] } : null;
  };
  return { keys: new ServerKeys({ call } as unknown as ServiceBroker), asked };
}
const refused = { type: "unauthenticated" };

test("a good key is asked for once, however many bring it, and again after a second", async () => {
  const { keys, asked } = open();
  const answers = await Promise.all(Array.from({ length: 20 }, () => keys.identify(good)));
  expect(answers[0]).toEqual({ keyId: "k", scopes: ["users"] });
  await keys.identify(good);
  expect(asked).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 1050));
  await keys.identify(good);
  expect(asked).toHaveLength(2);
});

test("so is one that is good for nothing", async () => {
  const { keys, asked } = open();
  for (let at = 0; at < 5; at++) await expect(keys.identify("ck_bad")).rejects.toMatchObject(refused);
  expect(asked).toEqual(["ck_bad"]);
});

test.each([undefined, "", "ck_", "eyJhbGciOiJub25lIn0.e30.", "CK_good", "ck_a b", `ck_${"x".repeat(198)}`])(
  "what cannot be a key is refused, and nobody is asked: %p",
  async (key) => {
    const { keys, asked } = open();
    await expect(keys.identify(key)).rejects.toMatchObject(refused);
    expect(asked).toEqual([]);
  },
);

test("where nobody can tell, that is said, and asked again at once", async () => {
  const { keys, asked } = open();
  await expect(keys.identify("ck_away")).rejects.toThrow("away");
  await expect(keys.identify("ck_away")).rejects.toThrow("away");
  expect(asked).toHaveLength(2);
});

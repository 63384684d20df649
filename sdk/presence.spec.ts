import type { Presence } from "@confab/contracts";
import { PresenceWatch } from "./presence.ts";
import { offline } from "./problem.ts";

const is = (userId: string, state: Presence["state"] = "online"): Presence => ({ userId, state, lastActiveAt: null });
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

function watchOf(
  answer: (userIds: string[], nth: number) => Promise<Presence[]> | Presence[] = (ids) => ids.map((id) => is(id)),
) {
  const asked: string[][] = [];
  const way = { isOnline: true };
  const presence = new PresenceWatch({
    isOnline: () => way.isOnline,
    async watch(userIds) {
      asked.push(userIds);
      return { items: await answer(userIds, asked.length) };
    },
  });
  return {
    presence,
    asked,
    way,
    states: () => Object.fromEntries([...presence.state.get()].map(([id, { state }]) => [id, state])),
  };
}

test("those watched are shown, and others no longer", async () => {
  const { presence, states, asked } = watchOf((ids) => ids.filter((id) => id !== "hidden").map((id) => is(id)));
  presence.watch(["bob", "hidden"]);
  await settled();
  expect(states()).toEqual({ bob: "online" });
  presence.hear(is("bob", "away"));
  presence.hear(is("stranger"));
  expect(states()).toEqual({ bob: "away" });
  presence.watch(["hidden", "bob"]);
  presence.watch(["cy"]);
  await settled();
  expect(states()).toEqual({ cy: "online" });
  expect(asked).toEqual([["bob", "hidden"], ["cy"]]);
});

test("another socket is asked for the same people", async () => {
  const { presence, asked, way } = watchOf();
  way.isOnline = false;
  presence.watch(["bob"]);
  expect(asked).toEqual([]);
  way.isOnline = true;
  presence.renew();
  await settled();
  expect(asked).toEqual([["bob"]]);
});

test("what is told between the question and its answer is later than the answer", async () => {
  let answer = (_: Presence[]) => {};
  const { presence, states } = watchOf(() => new Promise((resolve) => (answer = resolve)));
  presence.watch(["bob"]);
  presence.hear(is("bob", "online"));
  answer([is("bob", "offline")]);
  await settled();
  expect(states()).toEqual({ bob: "online" });
});

test("a lost answer is asked for again, one of before is dropped", async () => {
  jest.spyOn(Math, "random").mockReturnValue(0);
  const { presence, states, asked } = watchOf((ids, nth) => (nth === 1 ? Promise.reject(offline()) : ids.map((id) => is(id))));
  presence.watch(["bob"]);
  await settled();
  expect(states()).toEqual({ bob: "online" });
  expect(asked).toHaveLength(2);
  presence.renew();
  presence.clear();
  await settled();
  expect(states()).toEqual({});
});

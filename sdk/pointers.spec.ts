import { ApiProblem, offline } from "./problem.ts";
import { Pointers } from "./pointers.ts";

const settled = (ms = 10) => new Promise((resolve) => setTimeout(resolve, ms));

function pointersOf(answer: (nth: number) => Promise<void> = () => Promise.resolve()) {
  const told: unknown[] = [];
  const moved: unknown[] = [];
  const pointers = new Pointers({
    gather: 2,
    told: (chats) => moved.push(chats),
    async tell(params) {
      told.push(params);
      await answer(told.length);
      const { read = {}, delivered = {} } = params;
      const chats = new Set([...Object.keys(read), ...Object.keys(delivered)]);
      return {
        chats: Object.fromEntries([...chats].map((id) => [id, { readSeq: read[id] ?? 0, deliveredSeq: delivered[id] ?? 0 }])),
      };
    },
  });
  return { pointers, told, moved };
}

test("what moves in a moment is told together, the furthest of each chat, once", async () => {
  const { pointers, told, moved } = pointersOf();
  pointers.move("read", "a", 1);
  pointers.move("read", "a", 3);
  pointers.move("read", "a", 2);
  pointers.move("delivered", "b", 7);
  await settled();
  expect(told).toEqual([{ read: { a: 3 }, delivered: { b: 7 } }]);
  expect(moved).toEqual([{ a: { readSeq: 3, deliveredSeq: 0 }, b: { readSeq: 0, deliveredSeq: 7 } }]);
});

test("what nobody answered for is told again, with what came meanwhile", async () => {
  const { pointers, told } = pointersOf(async (nth) => {
    if (nth === 1) throw offline();
  });
  pointers.move("read", "a", 1);
  pointers.move("delivered", "b", 1);
  await settled();
  pointers.move("read", "a", 2);
  pointers.hurry();
  await settled();
  expect(told).toEqual([
    { read: { a: 1 }, delivered: { b: 1 } },
    { read: { a: 2 }, delivered: { b: 1 } },
  ]);
});

test("what moves on while it is told is told after it", async () => {
  let answer = () => {};
  const { pointers, told } = pointersOf((nth) => (nth === 1 ? new Promise((resolve) => (answer = resolve)) : Promise.resolve()));
  pointers.move("read", "a", 1);
  await settled();
  pointers.move("read", "a", 2);
  await settled();
  expect(told).toHaveLength(1);
  answer();
  await settled();
  expect(told.at(-1)).toEqual({ read: { a: 2 }, delivered: {} });
});

test("what is refused is given up, and so is what was not told at signing out", async () => {
  const refusal = new ApiProblem({ type: "", title: "", status: 422, code: "bad_input", detail: "", requestId: "" });
  const { pointers, told } = pointersOf(() => Promise.reject(refusal));
  pointers.move("read", "a", 1);
  await settled(20);
  expect(told).toHaveLength(1);
  pointers.move("read", "a", 2);
  pointers.clear();
  await settled();
  expect(told).toHaveLength(1);
});

test("many chats go in several requests", async () => {
  const { pointers, told } = pointersOf();
  for (let at = 0; at < 700; at++) {
    pointers.move("read", `chat-${at}`, 1);
    pointers.move("delivered", `chat-${at}`, 1);
  }
  await settled(40);
  const sizes = (told as { read: object; delivered: object }[]).map((one) =>
    Object.values(one).map((of) => Object.keys(of).length),
  );
  expect(sizes).toEqual([
    [300, 300],
    [300, 300],
    [100, 100],
  ]);
});

import type { ConnectionState } from "./connection.ts";
import { ApiProblem, offline } from "./problem.ts";
import { Requests } from "./requests.ts";
import { createStore } from "./store.ts";

const problem = (status: number, code: string) =>
  new ApiProblem({ type: "", title: "", status, code, detail: "", requestId: "" });
const settled = () => new Promise((resolve) => setTimeout(resolve, 2));
const edit = (text: string) => ({ chatId: "c", messageId: "m", text });

beforeEach(() => jest.spyOn(Math, "random").mockReturnValue(0));
afterEach(() => jest.restoreAllMocks());

function requestsOf({ socket = [], rest = [] }: { socket?: (string | ApiProblem)[]; rest?: (string | ApiProblem)[] }) {
  const asked: string[] = [];
  const state = createStore<ConnectionState>("online");
  const take = (way: string, from: (string | ApiProblem)[], what: string) => {
    asked.push(`${way} ${what}`);
    const next = from.shift() ?? "ok";
    if (next instanceof ApiProblem) throw next;
    return next;
  };
  const connection = { state, ask: async (_: string, { text }: { text: string }) => take("socket", socket, text) };
  const fetch = async (_: unknown, { body }: RequestInit) => {
    try {
      return new Response(JSON.stringify(take("rest", rest, (JSON.parse(body as string) as { text: string }).text)));
    } catch (err) {
      if (err instanceof ApiProblem && err.status === 0) throw err;
      return new Response(JSON.stringify((err as ApiProblem).document), { status: (err as ApiProblem).status });
    }
  };
  const identity = { token: async (refused?: string) => (refused ? "t2" : "t1") };
  const requests = new Requests({ url: "http://confab", fetch: fetch as never }, identity as never, connection as never);
  return { requests, asked, state };
}

test("goes over the socket while there is one, else by REST", async () => {
  const { requests, asked, state } = requestsOf({});
  await requests.ask("chat.message.edit", edit("one"));
  state.set("offline");
  await requests.ask("chat.message.edit", edit("two"));
  expect(asked).toEqual(["socket one", "rest two"]);
});

test("what a socket's old token keeps it from is asked by REST, which renews it", async () => {
  const { requests, asked } = requestsOf({ socket: [problem(401, "unauthenticated")], rest: [problem(401, "unauthenticated")] });
  expect(await requests.ask("chat.message.edit", edit("one"))).toBe("ok");
  expect(asked).toEqual(["socket one", "rest one", "rest one"]);
});

test("a change is asked for until it is answered, by one way and the other", async () => {
  const { requests, asked } = requestsOf({ socket: [offline(), offline()], rest: [problem(503, "unavailable")] });
  await requests.insist("m", "chat.message.edit", edit("one"));
  expect(asked).toEqual(["socket one", "rest one", "socket one", "rest one"]);
});

test("a refusal is told at once, and the next change of the same goes on", async () => {
  const { requests, asked } = requestsOf({ socket: [problem(409, "chat.edit_too_late")] });
  const [first, second] = [
    requests.insist("m", "chat.message.edit", edit("one")),
    requests.insist("m", "chat.message.edit", edit("two")),
  ];
  await expect(first).rejects.toMatchObject({ code: "chat.edit_too_late" });
  await second;
  expect(asked).toEqual(["socket one", "socket two"]);
});

test("changes of one subject wait for each other, those of another do not", async () => {
  const { requests, asked } = requestsOf({ socket: [offline()] });
  const all = [
    requests.insist("m", "chat.message.edit", edit("one")),
    requests.insist("m", "chat.message.edit", edit("two")),
    requests.insist("n", "chat.message.edit", edit("other")),
  ];
  await Promise.all(all);
  expect(asked).toEqual(["socket one", "socket other", "rest one", "socket two"]);
});

test("after half a minute it is given up", async () => {
  const { requests } = requestsOf({ socket: [offline(), offline()], rest: [offline(), offline()] });
  const start = Date.now();
  jest
    .spyOn(Date, "now")
    .mockReturnValueOnce(start)
    .mockReturnValue(start + 30_001);
  await expect(requests.insist("m", "chat.message.edit", edit("one"))).rejects.toMatchObject({ code: "offline" });
  await settled();
});

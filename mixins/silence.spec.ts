import { setTimeout as pause } from "node:timers/promises";
import { silenceMiddleware } from "./silence.ts";

type Call = () => Promise<unknown>;
interface Hooks {
  transporterReceive(next: (packet: string) => string): (packet: string) => string;
  remoteAction(next: Call): Call;
  stopped(): Promise<void>;
}

const silent = 400;
let hooks: Hooks;
let hear: (packet: string) => string;
beforeEach(() => {
  hooks = silenceMiddleware(silent) as unknown as Hooks;
  hear = hooks.transporterReceive((packet) => `${packet}, heard`);
});
afterEach(() => hooks.stopped());

const forever = hooksOf(() => new Promise(() => {}));
/** A call to another node that goes as `act` does. */
function hooksOf(act: Call): Call {
  return () => hooks.remoteAction(act)();
}

test("whoever asks another node hears soon that the broker between is silent, from then on at once, and asks again when it is not", async () => {
  expect(hear("heartbeat")).toBe("heartbeat, heard");
  expect(await hooksOf(async () => "answer")()).toBe("answer");
  await expect(Promise.race([forever(), pause(20 * silent, "still waiting", { ref: false })])).rejects.toMatchObject({
    type: "unavailable",
  });
  let asked = 0;
  await expect(hooksOf(async () => ++asked)()).rejects.toMatchObject({ type: "unavailable", data: { retryAfter: 2 } });
  expect(asked).toBe(0);
  hear("heartbeat");
  expect(await hooksOf(async () => ++asked)()).toBe(1);
});

test("a slow answer is waited for as long as there is any sign of life", async () => {
  hear("heartbeat");
  const sign = setInterval(() => hear("heartbeat"), silent / 20);
  const slow = () => pause(3 * silent, "answer");
  expect(await hooksOf(slow)()).toBe("answer");
  clearInterval(sign);
});

test("a process that itself stood still takes nobody for silent", async () => {
  hear("heartbeat");
  const answer = hooksOf(() => pause(silent / 20, "answer"))();
  for (const end = performance.now() + 3 * silent; performance.now() < end;);
  expect(await answer).toBe("answer");
});

test("nobody is silent before anything was heard", async () => {
  await pause(2 * silent);
  expect(await hooksOf(async () => "answer")()).toBe("answer");
});

test("what fails fails as it did", async () => {
  hear("heartbeat");
  await expect(hooksOf(() => Promise.reject(new Error("no")))()).rejects.toThrow("no");
});

import { v7 as uuid } from "uuid";
import { Backend, pause, startNode } from "./testing.ts";

test("a node that leaves answers what it was asked, and is gone soon though sockets go on asking", async () => {
  const backend = new Backend();
  let asked = 0;
  backend.answers["chat.message.send"] = async () => (asked++, await pause(100), { message: {} as never });
  const node = await startNode(backend);
  const { socket, waitFor } = await node.enter();
  const answers: { ok: boolean; error?: { code: string } }[] = [];
  const asking = setInterval(() => socket.emit("message:send", { chatId: uuid() }, (answer: never) => answers.push(answer)), 10);
  await pause(200);
  const since = Date.now();
  await node.broker.stop();
  clearInterval(asking);
  expect(Date.now() - since).toBeLessThan(2000);
  await waitFor("server:draining");
  // Each that was taken on was answered; the others were told to come again.
  expect(answers.filter(({ ok }) => ok)).toHaveLength(asked);
  const refused = answers.filter(({ ok }) => !ok);
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused.map(({ error }) => error?.code))).toEqual(new Set(["unavailable"]));
});

test("the clients of a node that leaves are told to come again at different times, and are not all let go at once", async () => {
  const node = await startNode(new Backend());
  const sockets = Array.from({ length: 250 }, () => node.open());
  await Promise.all(sockets.map(({ ready }) => ready));
  const letGoAt: number[] = [];
  for (const { conn } of node.service.io.sockets.sockets.values()) {
    const close = conn.close.bind(conn);
    conn.close = (discard) => (letGoAt.push(Date.now()), close(discard));
  }
  await node.broker.stop();
  await Promise.all(sockets.map(({ closed }) => closed));
  expect(letGoAt).toHaveLength(250);
  expect(letGoAt.filter((at) => at < letGoAt[0]! + 20).length).toBeLessThanOrEqual(100);
  const times = sockets.map(({ all }) => all("server:draining")[0]!.reconnectIn).sort((a, b) => a - b);
  expect(times[0]).toBeLessThan(500);
  expect(times.at(-1)).toBeGreaterThan(4500);
  await node.stop();
});

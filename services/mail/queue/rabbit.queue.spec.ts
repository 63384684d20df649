import type { Job } from "../job.ts";
import { RabbitQueue } from "./rabbit.queue.ts";

jest.mock("./rabbit.link.ts", () => ({
  RabbitLink: class {
    channel = () => Promise.reject(Object.assign(new Error("refused: <ann@example.org> 123456"), { code: 406 }));
  },
}));

test("why a mail is not accepted is logged by name and number, never in words that may hold an address or a code", async () => {
  const lines: string[] = [];
  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line) };
  const notes = { wasSent: async () => false, noteSent: async () => {} };
  const queue = new RabbitQueue({ url: "amqp://127.0.0.1", namespace: "test", notes, log, pausesMs: [1] });
  await expect(queue.accept({ id: "j1", template: "code" } as Job)).rejects.toMatchObject({ type: "unavailable" });
  expect(lines).toEqual(["Mail j1 (code) is not accepted: 406"]);
});

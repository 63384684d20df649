import { paced } from "./pace.ts";
import { sampleMail } from "./testing.ts";

test("no more leave in a second than are allowed, however many come at once", async () => {
  const left: number[] = [];
  const transport = paced({ send: async () => String(left.push(performance.now())), close() {} }, 50);
  const began = performance.now();
  await Promise.all(Array.from({ length: 11 }, () => transport.send(sampleMail())));
  // A busy machine makes each later, none earlier.
  left.forEach((at, place) => expect(at - began).toBeGreaterThanOrEqual(place * 20 - 0.5));
  expect(left).toHaveLength(11);
});

test("what waits for its turn when the transport closes is given back, and does not leave", async () => {
  let sent = 0;
  let isClosed = false;
  const transport = paced({ send: async () => String(++sent), close: () => void (isClosed = true) }, 1);
  await transport.send(sampleMail());
  const waiting = transport.send(sampleMail());
  transport.close();
  await expect(waiting).rejects.toThrow();
  expect({ sent, isClosed }).toEqual({ sent: 1, isClosed: true });
});

import { sweeping } from "./sweep.ts";

type Hook = (this: object) => void;
const { started, stopped } = sweeping as unknown as { started: Hook; stopped: Hook };
const day = 86_400_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const service = (sweep: jest.Mock) => ({
  settings: { SESSION_IDLE_DAYS: 30, SESSION_MAX_DAYS: 90 },
  store: { sweep },
  logger: { warn: jest.fn() },
});

test("sweeps every hour until the service stops", () => {
  const sweep = jest.fn().mockResolvedValue(undefined);
  const user = service(sweep);
  started.call(user);
  jest.advanceTimersByTime(3_600_000);
  expect(sweep).toHaveBeenCalledWith({ now: Date.now(), usedAfter: Date.now() - 30 * day });
  jest.advanceTimersByTime(3_600_000);
  expect(sweep).toHaveBeenCalledTimes(2);
  stopped.call(user);
  jest.advanceTimersByTime(7_200_000);
  expect(sweep).toHaveBeenCalledTimes(2);
});

test("a database that is away is no more than a warning", async () => {
  const user = service(jest.fn().mockRejectedValue(new Error("away")));
  started.call(user);
  await jest.advanceTimersByTimeAsync(3_600_000);
  expect(user.logger.warn).toHaveBeenCalledTimes(1);
  stopped.call(user);
});

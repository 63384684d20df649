// A part that runs as processes on this machine.

import { untilAnswers } from "./answers.ts";
import type { OwnedPart, PartName, Source } from "./part.ts";
import { launch, tail } from "./processes.ts";
import type { Launch, Running } from "./processes.ts";
import type { Watchdog } from "./watchdog.ts";

export interface ServerPlan {
  name: PartName;
  source: Source;
  url: string;
  main: Launch;
  /** Must run beside it and outlive its crashes, as RabbitMQ's port mapper does. */
  helper?: Launch;
  /** One attempt to speak to it; throws while it is not ready. */
  answers: () => Promise<void>;
  /** Milliseconds it has to answer after its start. */
  limit: number;
  /** Its data goes when it is closed, so it need not be given time to save them. */
  disposable: boolean;
}

const patience = 20_000;

export function serverPart(plan: ServerPlan, watchdog: Watchdog): OwnedPart {
  let main: Running | undefined;
  let helper: Running | undefined;
  const running = () => [helper, main].filter((one) => one !== undefined && one.ended === undefined) as Running[];
  const alive = () => main !== undefined && main.ended === undefined;

  async function end(one: Running | undefined, signal: "SIGTERM" | "SIGKILL") {
    if (!one || one.ended !== undefined) return;
    one.signal("SIGCONT"); // a paused process would not hear SIGTERM
    one.signal(signal);
    if (await one.gone(patience)) return;
    one.signal("SIGKILL");
    if (!(await one.gone(patience))) throw new Error(`${plan.name}: process ${one.pid} does not end`);
  }

  const part: OwnedPart = {
    name: plan.name,
    source: plan.source,
    url: plan.url,
    pids: () => running().map((one) => one.pid),
    async start() {
      if (alive()) return;
      if (plan.helper && (!helper || helper.ended !== undefined)) helper = launch(plan.helper, watchdog);
      const started = (main = launch(plan.main, watchdog));
      try {
        await untilAnswers(plan.answers, plan.limit, () => started.ended && `it ended ${started.ended}`);
      } catch (error) {
        await end(started, "SIGKILL");
        throw new Error(`${(error as Error).message}\nthe end of ${plan.main.log}:\n${tail(plan.main.log)}`, { cause: error });
      }
    },
    stop: () => end(main, "SIGTERM"),
    kill: () => end(main, "SIGKILL"),
    async restart() {
      await part.stop();
      await part.start();
    },
    async pause() {
      if (!alive()) throw new Error(`${plan.name} does not run, so it cannot be paused`);
      main?.signal("SIGSTOP");
    },
    async resume() {
      main?.signal("SIGCONT");
    },
    async close() {
      await end(main, plan.disposable ? "SIGKILL" : "SIGTERM");
      await end(helper, "SIGKILL"); // it holds nothing; and it goes last, since the part says farewell to it
    },
  };
  return part;
}

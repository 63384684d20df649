// A part in a container of the official image. Written after Docker's manual and NOT yet tried: the machines this was built on
// have no Docker daemon. It is kept small for that reason, and nothing in it persists beyond close().

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { formReplicaSet, mongodbAnswers, rabbitmqAnswers, redisAnswers, untilAnswers } from "./answers.ts";
import type { OwnedPart, PartName } from "./part.ts";
import { mongoUrl } from "./plans.ts";
import { freePort } from "./ports.ts";
import type { Watchdog } from "./watchdog.ts";

const run = promisify(execFile);
const docker = (...args: string[]) => run("docker", args, { timeout: 600_000 });

/** Throws with the reason when there is no Docker to use. */
export async function requireDocker(): Promise<void> {
  await run("docker", ["info"], { timeout: 15_000 }).catch((error: Error & { stderr?: string; code?: string }) => {
    throw new Error(
      error.code === "ENOENT" ? "docker is not on the PATH" : `docker info: ${error.stderr?.trim() || error.message}`,
    );
  });
}

interface Image {
  image: string;
  /** The port inside. MongoDB listens on the same port inside and outside, since its member is known by that address. */
  inside: (port: number) => number;
  args: (port: number) => string[];
  url: (port: number) => string;
  answers: (port: number) => Promise<void>;
}

const images: Record<PartName, Image> = {
  rabbitmq: {
    image: "rabbitmq:3.13",
    inside: () => 5672,
    args: () => [],
    url: (port) => `amqp://127.0.0.1:${port}`,
    answers: (port) => rabbitmqAnswers(`amqp://127.0.0.1:${port}`),
  },
  redis: {
    image: "redis:7",
    inside: () => 6379,
    args: () => ["redis-server", "--save", "", "--appendonly", "no"],
    url: (port) => `redis://127.0.0.1:${port}`,
    answers: (port) => redisAnswers(`redis://127.0.0.1:${port}`),
  },
  mongodb: {
    image: "mongo:6",
    inside: (port) => port,
    args: (port) => ["--replSet", "rs0", "--bind_ip_all", "--port", String(port)],
    url: mongoUrl,
    async answers(port) {
      await formReplicaSet(`127.0.0.1:${port}`);
      await mongodbAnswers(mongoUrl(port));
    },
  },
};

export async function dockerPart(name: PartName, wanted: number | undefined, watchdog: Watchdog): Promise<OwnedPart> {
  const { image, inside, args, url, answers } = images[name];
  const port = await freePort(wanted);
  const container = `confab-parts-${name}-${process.pid}-${port}`;
  let created = false;
  let running = false;

  const part: OwnedPart = {
    name,
    source: "docker",
    url: url(port),
    pids: () => [],
    async start() {
      if (running) return;
      watchdog.tell("container", container);
      const publish = `127.0.0.1:${port}:${inside(port)}`;
      if (created) await docker("start", container);
      else await docker("run", "--detach", "--name", container, "--publish", publish, image, ...args(port));
      created = running = true;
      await untilAnswers(() => answers(port), 90_000);
    },
    async stop() {
      if (running) await docker("stop", container);
      running = false;
    },
    async kill() {
      if (running) await docker("kill", container);
      running = false;
    },
    async restart() {
      await part.stop();
      await part.start();
    },
    pause: async () => void (await docker("pause", container)),
    resume: async () => void (await docker("unpause", container)),
    async close() {
      if (created) await docker("rm", "--force", "--volumes", container);
      watchdog.tell("removed", container);
      created = running = false;
    },
  };
  return part;
}

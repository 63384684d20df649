// A part that someone else runs, named in the environment. We may speak to it, but not break it.

import { mongodbAnswers, rabbitmqAnswers, redisAnswers, untilAnswers } from "./answers.ts";
import type { OwnedPart, PartName } from "./part.ts";

export const variables: Record<PartName, string> = {
  rabbitmq: "TEST_RABBIT_URL",
  redis: "TEST_REDIS_URL",
  mongodb: "TEST_MONGO_URL",
};

const answers = { rabbitmq: rabbitmqAnswers, redis: redisAnswers, mongodb: mongodbAnswers };

export function givenPart(name: PartName, url: string): OwnedPart {
  const refuse = async () => {
    throw new Error(`${name} was given by ${variables[name]}, so it is not ours to stop; unset it for tests that break things`);
  };
  return {
    name,
    source: "environment",
    url,
    pids: () => [],
    start: () => untilAnswers(() => answers[name](url), 20_000),
    stop: refuse,
    kill: refuse,
    restart: refuse,
    pause: refuse,
    resume: refuse,
    close: async () => {},
  };
}

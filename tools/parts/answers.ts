// Ready means: it answered in its own protocol. Each of these is one attempt, and throws while the part is not ready.

import amqplib from "amqplib";
import { Redis } from "ioredis";
import { MongoClient } from "mongodb";

const attemptLimit = 3_000;

export async function rabbitmqAnswers(url: string): Promise<void> {
  const connection = await amqplib.connect(url, { timeout: attemptLimit });
  connection.on("error", () => {});
  await connection.close();
}

export async function redisAnswers(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: attemptLimit,
    commandTimeout: attemptLimit,
    retryStrategy: () => null,
  });
  let reason: Error | undefined;
  redis.on("error", (error) => (reason = error)); // says why; connect() itself only says "Connection is closed"
  try {
    await redis.connect();
    await redis.ping(); // refused while it still loads its data
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}

export async function mongodbAnswers(url: string): Promise<void> {
  await withMongo(url, async (client) => {
    const hello = await client.db("admin").command({ hello: 1 });
    if (!hello.isWritablePrimary) throw new Error("it is no writable primary");
  });
}

/** Makes a replica set of one member out of a bare mongod, whose only member is reached as `host`. */
export async function formReplicaSet(host: string): Promise<void> {
  await withMongo(`mongodb://${host}/?directConnection=true`, async (client) => {
    const admin = client.db("admin");
    const members = [{ _id: 0, host }];
    try {
      await admin.command({ replSetInitiate: { _id: "rs0", members } });
    } catch (error) {
      if ((error as { code?: number }).code !== alreadyInitialized) throw error;
      // Data of an earlier run that was on another port: the member would not find itself in its own set.
      const { config } = (await admin.command({ replSetGetConfig: 1 })) as { config: SetConfig };
      if (config.members[0]?.host === host) return;
      await admin.command({ replSetReconfig: { ...config, members, version: config.version + 1 }, force: true });
    }
  });
}

const alreadyInitialized = 23;

interface SetConfig {
  version: number;
  members: { host: string }[];
}

async function withMongo(url: string, speak: (client: MongoClient) => Promise<void>): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: attemptLimit, socketTimeoutMS: attemptLimit });
  try {
    await client.connect();
    await speak(client);
  } finally {
    await client.close();
  }
}

/** Tries until it answers, until `hopeless` says why it never will, or until the time is up. */
export async function untilAnswers(
  attempt: () => Promise<void>,
  limit: number,
  hopeless: () => string | undefined = () => undefined,
): Promise<void> {
  const deadline = Date.now() + limit;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const verdict = hopeless();
      if (verdict) throw new Error(verdict, { cause: error });
      if (Date.now() > deadline) {
        const reason = (error as Error).message || String((error as { code?: string }).code ?? error);
        throw new Error(`no answer within ${limit / 1000} s; the last attempt: ${reason}`, { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

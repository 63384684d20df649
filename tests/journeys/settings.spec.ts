import { readFileSync } from "node:fs";
import { Ground, TestNode } from "../support/node.ts";
import { embeddedWorld } from "../support/world.ts";

describe("a start with wrong settings", () => {
  let ground: Ground;
  beforeAll(() => void (ground = new Ground()));
  afterAll(() => ground.clear());

  let starts = 0;
  /** What it said, and how it ended, within the five seconds that it has. */
  async function start(env: Record<string, string>): Promise<{ said: string; ended: string | undefined }> {
    const node = await TestNode.create(ground, `start-${++starts}`, env);
    node.launch();
    const ended = await node.ended(5000);
    await node.kill("SIGKILL");
    return { said: readFileSync(node.log, "utf8"), ended };
  }

  test("ends within five seconds and names every one, in one message without a stack", async () => {
    const wrong = {
      PORT: "many",
      LOG_LEVEL: "loud",
      REQUEST_TIMEOUT: "soon",
      MAX_TEXT: "none",
      TRANSPORTER: "http://127.0.0.1",
      SIGNING_KEY: "secret words",
    };
    const { said, ended } = await start(wrong);
    expect(ended).toBe("with code 1");
    for (const name of Object.keys(wrong)) expect(said).toMatch(new RegExp(`^  ${name}: must be `, "m"));
    expect(said).not.toContain("    at ");
    // What may be a secret is not repeated.
    expect(said).not.toContain("secret words");
  });

  test("ends where there is no such service", async () => {
    const { said, ended } = await start({ SERVICES: "chat,chatt" });
    expect(ended).toBe("with code 1");
    expect(said).toMatch(/SERVICES: must name some of user, chat, mail, io, api/);
  });

  test("ends where several nodes would share no database and no Redis", async () => {
    const { said, ended } = await start({ TRANSPORTER: "amqp://127.0.0.1:1" });
    expect(ended).toBe("with code 1");
    expect(said).toMatch(/MONGO_URL: is missing/);
    expect(said).toMatch(/REDIS_URL: is missing/);
  });

  test("in production ends without its secrets", async () => {
    const { said, ended } = await start({ NODE_ENV: "production" });
    expect(ended).toBe("with code 1");
    expect(said).toMatch(/SIGNING_KEY: is missing/);
    expect(said).toMatch(/SMTP_URL: is missing/);
  });
});

test("Ctrl-C: an idle node is gone within two seconds, and an acknowledged message is there afterwards", async () => {
  const world = await embeddedWorld();
  try {
    const ann = await world.user();
    const chat = await ann.chatWith(await world.user("bob"));
    await ann.socket();
    const message = await ann.send(chat, "before the end");

    const began = Date.now();
    await world.kill("chat", "SIGINT");
    expect(Date.now() - began).toBeLessThan(2000);
    expect(await world.node("chat").ended(0)).toBe("with code 0");

    await world.start();
    expect(await ann.history(chat)).toEqual([message]);
  } finally {
    await world.stop();
  }
});

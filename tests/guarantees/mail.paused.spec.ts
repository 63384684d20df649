// RabbitMQ stands still with all its connections open: whoever causes a mail is answered, and the mail goes out after.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { ActionName, Params } from "@confab/contracts";
import { startSmtpServer, type TestServer } from "../../services/mail/transports/testing.ts";
import type { Parts } from "../../tools/parts/parts.ts";
import { TestClient } from "../support/client.ts";
import { mailOfKilledMs } from "../support/limits.ts";
import { Ground, TestNode, type NodeEnv } from "../support/node.ts";
import { describeCluster, mongoUrl, ownParts } from "../support/parts.ts";
import { findSecrets } from "../support/secrets.ts";
import { eventually, pause } from "../support/wait.ts";

const password = "correct horse battery";

/** What a mail server, which takes everything, has for whom. */
class Mailboxes {
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }
  get url(): string {
    return this.#server.url();
  }
  get count(): number {
    return this.#server.received.length;
  }
  /** The subjects of all mails to an address. */
  to(address: string): string[] {
    const mails = this.#server.received.filter(({ to }) => to.includes(address));
    return mails.map(({ raw }) => /^Subject: (.*)\r$/m.exec(raw)![1]!);
  }
  async code(address: string): Promise<string> {
    return eventually(`a code for ${address}`, () => /\b\d{6}\b/.exec(this.to(address).join("\n"))?.[0]);
  }
  close(): Promise<void> {
    return this.#server.close();
  }
}

interface Person {
  email: string;
  client: TestClient;
}

describeCluster("RabbitMQ stands still", () => {
  let parts: Parts;
  const ground = new Ground();
  let mailboxes: Mailboxes;
  const nodes: TestNode[] = [];
  let apart: TestNode;

  beforeAll(async () => {
    parts = await ownParts("rabbitmq");
    mailboxes = new Mailboxes(await startSmtpServer());
    const namespace = `confab-${randomUUID().slice(0, 8)}`;
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const env: NodeEnv = {
      TRANSPORTER: parts.rabbitUrl,
      MONGO_URL: mongoUrl(namespace),
      NAMESPACE: namespace,
      SIGNING_KEY: privateKey.export({ format: "pem", type: "pkcs8" }) as string,
      SMTP_URL: mailboxes.url,
    };
    for (const name of ["one", "two"]) nodes.push(await TestNode.create(ground, name, { ...env, SERVICES: "user,mail,api" }));
    apart = await TestNode.create(ground, "apart", { ...env, SERVICES: "api" });
    for (const node of [...nodes, apart]) node.launch();
    await Promise.all([...nodes, apart].map((node) => node.ready()));
  });

  afterAll(async () => {
    await parts?.rabbitmq.resume().catch(() => {});
    const all = apart ? [...nodes, apart] : nodes;
    await Promise.all(all.map((node) => node.kill("SIGKILL")));
    const leaks = findSecrets(all.map(({ log }) => log));
    await ground.clear();
    await mailboxes?.close();
    await parts?.stop();
    expect(leaks).toEqual([]);
  });

  const at = (node: TestNode, token?: string) => new TestClient({ api: node.url, io: node.url }, token);

  /** Somebody with a password, who has just signed in. */
  async function somebody(node: TestNode): Promise<Person> {
    const email = `ann.${randomUUID()}@example.test`;
    const client = at(node);
    const { flowId } = await client.call("user.account.register", { email, password, name: "Ann" });
    const code = await mailboxes.code(email);
    client.token = (await client.call("user.code.verify", { flowId, code })).accessToken;
    return { email, client };
  }

  async function timed<T extends object>(act: () => Promise<T>): Promise<T & { took: number }> {
    const from = performance.now();
    const result = await act();
    return { ...result, took: performance.now() - from };
  }

  test("requests that cause mail are answered within five seconds, and each mail goes out once after", async () => {
    const people = await Promise.all(
      nodes.map(async (node) => ({ node, changes: await somebody(node), leaves: await somebody(node) })),
    );
    const before = mailboxes.count;
    await parts.rabbitmq.pause();
    // A node that has to ask others cannot reach them, and says so in time.
    const unheard = `unheard.${randomUUID()}@example.test`;
    const lost = timed(() => at(apart).ask("user.code.request", { email: unheard }));
    const slow: string[] = [];
    const wanted: { to: string; subject: RegExp }[] = [];

    async function causes<N extends ActionName>(
      node: TestNode,
      name: N,
      params: Params<N>,
      mail: { to: string; subject: RegExp },
      token?: string,
    ): Promise<void> {
      const { took, problem } = await timed(() => at(node, token).ask(name, params));
      if (problem || took > 5000) slow.push(`${name} at ${node.name} took ${Math.round(took)} ms: ${problem?.code ?? "done"}`);
      wanted.push(mail);
    }

    for (const { node, changes, leaves } of people) {
      const strangers = ["code", "register"].map((word) => `${word}.${randomUUID()}@example.test`) as [string, string];
      const [email, other] = strangers;
      await causes(node, "user.code.request", { email }, { to: email, subject: /\d{6}/ });
      await causes(node, "user.account.register", { email: other, password, name: "Bob" }, { to: other, subject: /\d{6}/ });
      const { email: to, client } = changes;
      await causes(node, "user.password.forgot", { email: to }, { to, subject: /\d{6}.*password/i });
      const change = { current: password, password: "another horse battery" };
      await causes(node, "user.password.change", change, { to, subject: /password/i }, client.token);
      await causes(node, "user.me.erase", {}, { to: leaves.email, subject: /erase/i }, leaves.client.token);
    }
    expect(slow).toEqual([]);
    const refused = await lost;
    expect([refused.status, refused.problem?.code]).toEqual([503, "unavailable"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.took).toBeLessThan(5000);

    await parts.rabbitmq.resume();
    await eventually(
      () => `all mails, of which there are ${mailboxes.count - before} of ${wanted.length}`,
      () => mailboxes.count - before >= wanted.length,
      { limit: mailOfKilledMs },
    );
    // What would come twice would come with the next looks of the outboxes, of the relay and of whoever had it in hand.
    await pause(6000);
    for (const { to, subject } of wanted) {
      const found = mailboxes.to(to).filter((found) => subject.test(found));
      expect(found.length).toBeGreaterThan(0);
    }
    // What was given up may have been done once RabbitMQ went on, which is as well.
    expect(mailboxes.count - mailboxes.to(unheard).length - before).toBe(wanted.length);
    // And what was mailed while nothing moved is as good as any.
    const { node } = people[0]!;
    const { to } = wanted[0]!;
    expect(mailboxes.to(to)).toHaveLength(1);
    expect((await at(node).ask("user.code.request", { email: to })).status).toBe(202);
  });
});

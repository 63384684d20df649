import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient, memoryStorage } from "@confab/sdk";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import { eventually } from "../support/wait.ts";
import { embeddedWorld, type World } from "../support/world.ts";

/* The examples of the client's README, from the first to the last, as they stand there. */

const readme = readFileSync(join(__dirname, "../../sdk/README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);

let world: World;
beforeAll(async () => (world = await embeddedWorld()));
afterAll(() => world?.stop());

/** Runs code as a module would, with these names given, and answers these that it declared. */
async function run(code: string, given: Record<string, unknown>, wanted: string[]): Promise<Record<string, unknown>> {
  // Types go, the rest stays; the import is given as any other name.
  const source = `async function example() {\n${code.replace(/^import .*$/gm, "")}\nreturn { ${wanted.join(", ")} };\n}`;
  const options = { target: ScriptTarget.ES2022, module: ModuleKind.CommonJS };
  const { outputText } = transpileModule(source, { compilerOptions: options });
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- The code is the README's.
  const make = new Function(...Object.keys(given), `${outputText}\nreturn example();`);
  return (make as (...values: unknown[]) => Promise<Record<string, unknown>>)(...Object.values(given));
}

test("the examples run, and show what they say", async () => {
  const [signIn, password, hostTokens, ...rest] = examples as [string, string, string, ...string[]];
  const bob = await world.user("Bob");
  const url = world.doors[0]!.api;
  const readCode = (email: string) =>
    eventually(`a code for ${email}`, async () => {
      const response = await fetch(`${url}/dev/inbox?to=${encodeURIComponent(email)}`);
      const { items } = (await response.json()) as { items: { text: string }[] };
      return /\b\d{6}\b/.exec(items[0]?.text ?? "")?.[0];
    });
  const { client } = (await run(signIn, { createClient, url, readCode }, ["client"])) as {
    client: ReturnType<typeof createClient>;
  };
  await run(password, { client, window: {} }, []);
  await eventually("the client has caught up", () => client.get().synced);

  const drawn: [string, string[]][] = [];
  const draw = (head: string, lines: string[]) => drawn.push([head, lines]);
  await run(rest.join("\n"), { client, bobId: bob.id, draw }, []);
  expect(drawn).toContainEqual(["online: River walk (0 unread, 0 typing)", ["Shall we walk on Sunday? (pending)"]]);
  expect(drawn).toContainEqual(["from the first message on", ["Shall we walk on Saturday?", "Or not at all"]]);
  const account = drawn.find(([head]) => head === "Ann Arbor")!;
  expect(account[1].slice(0, 2)).toEqual([expect.stringMatching(/^[A-Z2-7]+$/), expect.stringMatching(/^otpauth:/)]);
  expect(account[1]).toHaveLength(3);
  expect(drawn.at(-1)).toEqual(["Shall we walk on Saturday?", expect.arrayContaining(["read up to 2"])]);

  const askMyBackend = () => client.getToken();
  const host = await run(hostTokens, { createClient, memoryStorage, url, askMyBackend }, ["client"]);
  const other = host["client"] as typeof client;
  await eventually("the other client has caught up", () => other.get().synced);
  expect(other.get().user).toEqual(client.get().user);
  expect([...other.get().chats.keys()]).toEqual([...client.get().chats.keys()]);
  client.close();
  other.close();
});

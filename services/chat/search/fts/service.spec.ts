/* The full-text index under the chat service, on files. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActionName, Params, Result } from "@confab/contracts";
import { ProblemRegenerator } from "@confab/mixins/problem.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import chatService from "../../chat.service.ts";
import type { ChatService } from "../../service.ts";
import { fileName, type FtsSearch } from "./fts.search.ts";
import { filesOf } from "./schema.ts";

const folder = mkdtempSync(join(tmpdir(), "confab-chat-"));
const path = join(folder, fileName);
const [ann, bob] = [uuid(), uuid()];
let broker: ServiceBroker;

async function start(): Promise<void> {
  broker = new ServiceBroker({ logger: false, validator: new ContractValidator(), errorRegenerator: new ProblemRegenerator() });
  broker.createService(chatService({ DATA_DIR: folder, NODE_ENV: "test" }));
  broker.createService({
    name: "user",
    actions: { "profile.known": (ctx: { params: { userIds: string[] } }) => ({ userIds: ctx.params.userIds }) },
  });
  await broker.start();
}
beforeAll(start);
afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const as = <N extends ActionName>(userId: string, name: N, params: Params<N>): Promise<Result<N>> =>
  broker.call<Result<N> & object, Params<N>>(name, params, { meta: { userId } });
const find = async (q: string) => (await as(bob, "chat.search.find", { q })).items.map(({ message }) => message.text);
const service = () => broker.getLocalService("chat") as unknown as ChatService;
const holds = (word: string) => filesOf(path).some((file) => existsSync(file) && readFileSync(file).includes(word));

test("what is said, edited and deleted is found and not found, also after the file was deleted", async () => {
  const chatId = (await as(ann, "chat.chat.create", { type: "group", memberIds: [bob] })).id;
  const send = async (text: string) => (await as(ann, "chat.message.send", { chatId, clientMessageId: uuid(), text })).message.id;
  const edited = await send("zqsaidfirst common");
  const deleted = await send("zqdeleted common");
  for (let at = 0; at < 250; at++) await send(`number${at} common`);
  await as(ann, "chat.message.edit", { chatId, messageId: edited, text: "zqsaidlater common" });
  await as(ann, "chat.message.delete", { chatId, messageId: deleted });

  const expectAll = async () => {
    expect(await find("zqsaidfirst")).toEqual([]);
    expect(await find("zqsaidlater")).toEqual(["zqsaidlater common"]);
    expect(await find("zqdeleted")).toEqual([]);
    expect(await find("number77")).toEqual(["number77 common"]);
    expect((await find("common")).slice(0, 2)).toEqual(["number249 common", "number248 common"]);
  };
  await expectAll();
  await service().store.scrub();
  expect(["zqsaidlater", "zqsaidfirst", "zqdeleted"].map(holds)).toEqual([true, false, false]);

  await broker.stop();
  rmSync(path);
  await start();
  await (service().store.search as FtsSearch).filled();
  await expectAll();
  expect(["zqsaidlater", "zqsaidfirst", "zqdeleted"].map(holds)).toEqual([true, false, false]);
});

import { call, define, type Meta } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { v7 as uuid } from "uuid";
import mailService from "../mail.service.ts";
import type { MailService } from "../service.ts";
import { Town } from "./testing.ts";

const env = { DATA_DIR: "memory", NOTIFY_AFTER_SECONDS: "1", DIGEST_EVERY_SECONDS: "1", PUBLIC_URL: "https://chat.example" };
const [ann, bob] = [uuid(), uuid()];
const asked: { userIds: readonly string[]; by: string | undefined }[] = [];

/** The time of the town is that of all. */
class TownOfNow extends Town {
  constructor() {
    super();
    Object.defineProperty(this, "now", { get: () => Date.now() });
  }
}

async function until<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error("it did not come about");
  }
}

test("asks the services that are there; where nobody knows who is online, all are taken to be away", async () => {
  const town = new TownOfNow();
  const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  broker.createService({
    name: "chat",
    actions: {
      ...define("chat.digest.scan", ({ params }) => town.scan(params)),
      ...define("chat.digest.read", ({ params }) => town.unread(params)),
    },
  } as ServiceSchema);
  broker.createService({
    name: "user",
    actions: {
      ...define("user.recipient.list", async ({ params: { userIds } }) => ({
        items: userIds.map((userId) => ({ userId, email: "bob@example.org", name: "Bob" })),
      })),
      ...define("user.profile.lookup", async ({ params: { userIds }, meta }) => {
        asked.push({ userIds, by: (meta as Meta).userId });
        return { items: userIds.map((id) => ({ id, name: "Ann", avatar: null, data: {} })) };
      }),
    },
  } as ServiceSchema);
  broker.createService(mailService(env));
  await broker.start();
  try {
    const chatId = town.direct(ann, bob);
    town.say(ann, chatId);
    const mail = await until(async () => (await call(broker, "mail.inbox.list", { to: "bob@example.org" })).items[0]);
    expect(mail).toMatchObject({ subject: "Ann wrote to you" });
    expect(mail.text).toContain(`https://chat.example/#/chats/${chatId}`);
    // By the eyes of the reader.
    expect(asked).toEqual([{ userIds: [ann], by: bob }]);
    const { digests } = broker.getLocalService("mail") as MailService;
    await until(async () => (await digests.pendingOf(bob)) === null);
    expect(await digests.toldOf(bob)).toMatchObject({ number: 1, told: { [chatId]: 1 } });
  } finally {
    await broker.stop();
  }
});

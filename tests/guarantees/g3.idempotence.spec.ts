import type { TestUser } from "../support/user.ts";
import { newName } from "../support/user.ts";
import { describeWorlds, type World } from "../support/world.ts";

describeWorlds("G3: one clientMessageId is one message", { size: { chat: 2, io: 2, api: 2 } }, (open) => {
  let world: World;
  let ann: TestUser;
  let chat: { id: string };

  beforeAll(async () => {
    world = await open();
    ann = await world.user();
    chat = await ann.chatWith(await world.user("bob"));
  });
  afterAll(() => world?.stop());

  test("50 sends at once through two nodes by REST: one 201, 49 times 200, one id", async () => {
    const params = { chatId: chat.id, clientMessageId: newName(), text: "once" };
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => ann.at(at).client.ask("chat.message.send", params)));
    expect(countOf(answers.map(({ status }) => status))).toEqual({ 200: 49, 201: 1 });
    expect(new Set(answers.map(({ data }) => data?.message.id)).size).toBe(1);
    await expectOnce(params.clientMessageId);
  });

  test("50 sends at once over both doors and two nodes: one message, made once", async () => {
    const params = { chatId: chat.id, clientMessageId: newName(), text: "once" };
    const sockets = await Promise.all([ann.at(0).socket(), ann.at(1).socket()]);
    const before = (await ann.chats())[0]!.lastSeq;
    const byRest = Array.from({ length: 25 }, (_, at) => ann.at(at).client.ask("chat.message.send", params));
    const bySocket = Array.from({ length: 25 }, (_, at) => sockets[at % 2]!.call("chat.message.send", params));
    const [answers, acks] = [await Promise.all(byRest), await Promise.all(bySocket)];

    const { 200: again = 0, 201: first = 0 } = countOf(answers.map(({ status }) => status));
    expect(again + first).toBe(25);
    // An acknowledgement has no status: where no answer by REST was the first, one of these was.
    expect(first).toBeLessThanOrEqual(1);
    expect(new Set([...answers.map(({ data }) => data?.message.id), ...acks.map(({ message }) => message.id)]).size).toBe(1);
    expect((await ann.chats())[0]!.lastSeq).toBe(before + 1);
    await expectOnce(params.clientMessageId);
  });

  test("sent first by socket, it is a 200 by REST at every node; sent first by REST, a socket gets the same", async () => {
    const socket = await ann.at(1).socket();
    const bySocket = { chatId: chat.id, clientMessageId: newName(), text: "socket first" };
    const { message } = await socket.call("chat.message.send", bySocket);
    for (const node of [0, 1]) {
      expect(await ann.at(node).client.ask("chat.message.send", bySocket)).toMatchObject({
        status: 200,
        data: { message: { id: message.id } },
      });
    }
    const byRest = { chatId: chat.id, clientMessageId: newName(), text: "REST first" };
    const answer = await ann.client.ask("chat.message.send", byRest);
    expect(answer.status).toBe(201);
    expect(await socket.call("chat.message.send", byRest)).toEqual(answer.data);
  });

  test("another text under the same name is still the first message; another sender's is another", async () => {
    const clientMessageId = newName();
    const first = await ann.send(chat, "first words", clientMessageId);
    expect(await ann.at(1).send(chat, "other words", clientMessageId)).toEqual(first);
    const cy = await world.user("cy");
    const group = await ann.chatWith(cy, await world.user("dee"));
    const [mine, hers] = await Promise.all([ann.send(group, "mine", clientMessageId), cy.send(group, "hers", clientMessageId)]);
    expect(mine.id).not.toBe(hers.id);
  });

  test("it is the same message after a restart", async () => {
    const clientMessageId = newName();
    const first = await ann.send(chat, "before", clientMessageId);
    await world.restart("SIGKILL");
    expect(await ann.at(1).send(chat, "after", clientMessageId)).toEqual(first);
    await expectOnce(clientMessageId);
  });

  async function expectOnce(clientMessageId: string): Promise<void> {
    const same = (await ann.history(chat)).filter((message) => message.clientMessageId === clientMessageId);
    expect(same).toHaveLength(1);
  }
});

function countOf(values: number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

import { newName } from "../support/user.ts";
import { describeWorlds, type World } from "../support/world.ts";

const each = 150;

describeWorlds(
  "live, in order: two senders on two nodes, two readers on two nodes",
  { size: { chat: 2, io: 2, api: 2 } },
  (open) => {
    let world: World;

    beforeAll(async () => (world = await open()));
    afterAll(() => world?.stop());

    test("every reader sees 1, 2, 3 … without hole or repeat", async () => {
      const [ann, bob, cy, dee] = [
        await world.user("ann"),
        await world.user("bob"),
        await world.user("cy"),
        await world.user("dee"),
      ];
      // Two readers are there before the chat is, one on each node; a third comes while they talk.
      const sockets = [await cy.at(0).socket(), await dee.at(1).socket()];
      const chat = await ann.chatWith(bob, cy, dee);

      const byRest = async () => {
        for (let count = 0; count < each; count++) await ann.at(0).send(chat, `ann ${count}`);
      };
      const bobsSocket = await bob.at(1).socket();
      const bySocket = async () => {
        for (let count = 0; count < each; count++) {
          await bobsSocket.call("chat.message.send", { chatId: chat.id, clientMessageId: newName(), text: `bob ${count}` });
        }
      };
      const late = (async () => await dee.at(0).socket())();
      await Promise.all([byRest(), bySocket()]);

      const last = 2 * each + 1;
      const revs = Array.from({ length: last }, (_, at) => at + 1);
      const readers = { "cy at 1": sockets[0]!, "dee at 2": sockets[1]!, "bob at 2": bobsSocket, "dee, late, at 1": await late };
      for (const [reader, socket] of Object.entries(readers)) {
        await socket
          .waitFor("chat:entry", (entry) => entry.chatId === chat.id && entry.rev === last)
          .catch((error: Error) => Promise.reject(new Error(`${reader}: ${error.message}\n${world.tail()}`)));
        const seen = socket.entries(chat.id).map(({ rev }) => rev);
        expect([reader, ...seen]).toEqual([reader, ...revs.slice(last - seen.length)]);
      }
      for (const socket of sockets) expect(socket.entries(chat.id)).toHaveLength(last);
      expect(sockets[0]!.entries(chat.id)).toEqual(await ann.entries(chat));
    });

    test("nobody else is told", async () => {
      const [ann, bob, eve] = [await world.user("ann"), await world.user("bob"), await world.user("eve")];
      const [evesSocket, bobsSocket] = [await eve.socket(), await bob.at(1).socket()];
      const chat = await ann.chatWith(bob);
      await ann.send(chat, "between us");
      await bobsSocket.waitFor("chat:entry", (entry) => entry.chatId === chat.id && entry.rev === 2);
      // What follows in a chat of hers comes after whatever else was sent before it.
      const hers = await eve.chatWith(bob);
      await evesSocket.waitFor("chat:entry", (entry) => entry.chatId === hers.id);
      expect(evesSocket.entries(chat.id)).toEqual([]);
      await expect(eve.history(chat)).rejects.toMatchObject({ code: "chat.not_found" });
      await expect(
        evesSocket.call("chat.message.send", { chatId: chat.id, clientMessageId: newName(), text: "let me in" }),
      ).rejects.toMatchObject({ code: "chat.not_found" });
    });
  },
);

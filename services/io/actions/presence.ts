import { own } from "./own.ts";

export const presence = own("io.presence.watch", async function (socket, { userIds }) {
  return { items: await this.presences.watch(socket, userIds) };
});

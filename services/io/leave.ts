import { setTimeout as pause } from "node:timers/promises";
import type { IoService } from "./service.ts";
import { send, socketsOf } from "./sockets.ts";

const maxReconnectIn = 5000;
/** Milliseconds that a node that leaves waits for the answers to what it was asked. */
const leaveWithin = 5000;
/** Connections closed at once, and milliseconds between two such lots; with very many the lots grow, so that all are closed in time. */
const closeAtOnce = 100;
const closeEvery = 25;
const maxLots = 80;

/** Takes leave: answers what was asked, tells clients when to come again, spread so that they do not all come at once. */
export async function leave(service: IoService): Promise<void> {
  service.leaving = true;
  service.heads.stop();
  for (let waited = 0; service.inFlight > 0 && waited < leaveWithin; waited += 20) await pause(20);
  const sockets = socketsOf(service);
  for (const socket of sockets) send(socket, "server:draining", { reconnectIn: Math.floor(Math.random() * maxReconnectIn) });
  const lot = Math.max(closeAtOnce, Math.ceil(sockets.length / maxLots));
  for (let from = 0; from < sockets.length; from += lot) {
    // A moment for the word to leave before its connection does, and for others to take in those who do not wait.
    await pause(from === 0 ? 50 : closeEvery);
    for (const socket of sockets.slice(from, from + lot)) socket.conn.close();
  }
}

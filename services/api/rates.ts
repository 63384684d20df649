import type { IncomingMessage, ServerResponse } from "node:http";
import { presentRates, requireRoom, type Standing } from "@confab/mixins/rates.ts";
import type { ApiService } from "./gateway.ts";

/** What is told of budgets on each answer: those that its request has taken from so far. */
const told = new WeakMap<ServerResponse, Standing[]>();

/** Writes how budgets stand into the answer, and throws where one is used up. */
export function tellRates(res: ServerResponse, standings: readonly Standing[]): void {
  const all = [...(told.get(res) ?? []), ...standings];
  told.set(res, all);
  for (const [name, value] of Object.entries(presentRates(all))) res.setHeader(name, value);
  requireRoom(standings);
}

/** Takes a request from the budget of its address, before anything of it is read: a bad token costs what a good one does. */
export function limitAddress(service: ApiService) {
  return (req: IncomingMessage, res: ServerResponse, next: (err?: unknown) => void): void => {
    service.rates
      .admitAddress(service.addressOf(req))
      .then((standings) => tellRates(res, standings))
      .then(() => next(), next);
  };
}

/** Whoever is known has a budget of their own in place of their address's. */
export function forgetAddress(res: ServerResponse): void {
  told.delete(res);
  for (const name of ["RateLimit", "RateLimit-Policy"]) res.removeHeader(name);
}

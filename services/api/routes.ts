import { actionEntries, type ActionContract, type ActionName } from "@confab/contracts";
import { isOffered } from "@confab/mixins/accounts.ts";
import type { ApiSettings } from "./settings.ts";

/** Where the routes of the contracts begin. */
export const restPath = "/api/v1";

export interface Route {
  action: ActionName;
  contract: ActionContract;
  method: string;
  /** Under `restPath`, as the contract writes it: `/chats/:chatId`. */
  path: string;
  pathParams: string[];
  /** Where the params are that are no part of the path. */
  restIn: "query" | "body";
}

/** Every route there is: one for each contract that names one. Nothing else is reachable by REST. */
export const routes: Route[] = actionEntries.flatMap(([action, contract]) => {
  if (!contract.rest) return [];
  const [method, path] = contract.rest.split(" ") as [string, string];
  const pathParams = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  return [{ action, contract, method, path, pathParams, restIn: method === "GET" || method === "DELETE" ? "query" : "body" }];
});

/** Those that are there with these settings. To whoever asks for another there is nothing at its address. */
export const offeredRoutes = (settings: Pick<ApiSettings, "AUTH" | "AUTH_CODE">): Route[] =>
  routes.filter(({ contract }) => isOffered(contract, settings));

const byAction = new Map(routes.map((route) => [route.action as string, route]));

export function routeOf(action: string): Route {
  return byAction.get(action)!;
}

/** What a POST makes has an address of its own where a GET reads one item under the same path. */
export function hasItemAddress({ method, path }: Route): boolean {
  const isItem = (other: Route) =>
    other.method === "GET" && other.path.startsWith(`${path}/:`) && !other.path.includes("/", path.length + 1);
  return method === "POST" && routes.some(isItem);
}

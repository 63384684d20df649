import type { Params, Result } from "@confab/contracts";
import { offline, problemOf } from "./problem.ts";
import { routes, type RouteName } from "./routes.ts";

/** What a request needs to know of the world. */
export interface Rest {
  url: string;
  fetch: typeof fetch;
}

/** A silent server is as good as none. */
const patienceMs = 20_000;

/** One request, as the contract's route wants it. Throws `ApiProblem` where it did not go well. */
export async function request<N extends RouteName>(
  rest: Rest,
  name: N,
  params: Params<N>,
  accessToken?: string,
): Promise<Result<N>> {
  const { method, path, left } = place(name, params);
  const inQuery = method === "GET" || method === "DELETE";
  const headers: Record<string, string> = { accept: "application/json" };
  if (accessToken) headers["authorization"] = `Bearer ${accessToken}`;
  if (!inQuery) headers["content-type"] = "application/json";
  const response = await rest
    .fetch(`${rest.url}/api/v1${path}${inQuery ? query(left) : ""}`, {
      method,
      headers,
      ...(inQuery ? {} : { body: JSON.stringify(left) }),
      signal: AbortSignal.timeout(patienceMs),
    })
    .catch(() => Promise.reject(offline()));
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return null as Result<N>;
  return (await response.json().catch(() => Promise.reject(offline("The answer broke off")))) as Result<N>;
}

/** Puts the params where the route wants them: into the path, and what is left into query or body. */
function place(name: RouteName, params: Record<string, unknown>) {
  const [method, pattern] = routes[name].rest.split(" ") as [string, string];
  const left = { ...params };
  const path = pattern.replace(/:([A-Za-z]+)/g, (_, param: string) => {
    delete left[param];
    return encodeURIComponent(String(params[param]));
  });
  return { method, path, left };
}

function query(params: Record<string, unknown>): string {
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  return given.length === 0 ? "" : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

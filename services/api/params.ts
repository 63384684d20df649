import type { FieldError } from "@confab/contracts";
import { isIJson } from "@confab/mixins/i-json.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import type { Route } from "./routes.ts";

export interface Asked {
  path: Record<string, string>;
  query: URLSearchParams;
  body: unknown;
}

type Fields = Record<string, unknown>;

/**
 * The params of an action, put together from path and query, or path and body. Each field has one place: elsewhere it
 * is refused as unknown. What is wrong with the values themselves is the action's to say.
 */
export function gatherParams(route: Route, { path, query, body }: Asked): Fields {
  const inQuery = route.restIn === "query";
  const rest = inQuery ? coerce(route, readQuery(query)) : readBody(body);
  const misplaced = [...(inQuery ? [] : new Set(query.keys())), ...route.pathParams.filter((name) => Object.hasOwn(rest, name))];
  const params = { ...rest, ...coerce(route, path) };
  // G8: these are named together with every other wrong field. What is no I-JSON is refused here, because a transporter
  // would change it (1e999 becomes null) or fail on it (deep nesting) before the action sees it.
  if (misplaced.length > 0 || !isIJson(params))
    throw problem("bad_input", {
      errors: [...misplaced.slice(0, 50).map(unknown), ...compileSchema(route.contract.params)(params)],
    });
  return params;
}

const unknown = (field: string): FieldError => ({ field, code: "unknown", message: "there is no such field" });

function readBody(body: unknown): Fields {
  if (body === undefined) return {};
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw badField("body", "type", "must be a JSON object");
  return body as Fields;
}

/** A key given twice becomes an array, which no field of one value takes. */
function readQuery(query: URLSearchParams): Fields {
  const keys = new Set(query.keys());
  return Object.fromEntries(
    [...keys].map((key) => {
      const values = query.getAll(key);
      return [key, values.length === 1 ? values[0] : values];
    }),
  );
}

/** Text that is a number or truth value becomes one where the contract asks for it; other text stays as it is, to be refused. */
function coerce(route: Route, fields: Fields): Fields {
  const properties = route.contract.params.properties;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const type = Object.hasOwn(properties, name) ? (properties[name]!["type"] as unknown) : undefined;
      return [name, coerceValue(type, value)];
    }),
  );
}

function coerceValue(type: unknown, value: unknown): unknown {
  if (type === "array") return Array.isArray(value) ? value : [value];
  if (typeof value !== "string") return value;
  if (type === "integer" && /^-?\d+$/.test(value)) return Number(value);
  if (type === "number" && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (type === "boolean" && /^(true|false)$/.test(value)) return value === "true";
  return value;
}

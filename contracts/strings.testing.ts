import type { TSchema } from "@sinclair/typebox";

/** A string that a client can send: where it is in the params, and whether it is the value there or the key. */
export interface StringPlace {
  /** Keys and indexes from the params down; of a `key`, those of the object that holds it. */
  path: (string | number)[];
  kind: "value" | "key";
  /** What the contract says of a value; an unknown one inside of `data` has no schema. */
  schema?: TSchema;
}

const unique = (places: StringPlace[]) => [
  ...new Map(places.map((place) => [JSON.stringify([place.path, place.kind]), place])).values(),
];

/** Every string that a schema has room for, so that a test covers a new field by itself. */
export function stringPlaces(schema: TSchema, path: (string | number)[] = []): StringPlace[] {
  if (Array.isArray(schema["anyOf"])) return unique((schema["anyOf"] as TSchema[]).flatMap((one) => stringPlaces(one, path)));
  const type = schema["type"] as string | undefined;
  if (type === undefined && !("const" in schema)) return inAnything(path);
  if (type === "string" || typeof schema["const"] === "string") return [{ path, kind: "value", schema }];
  if (type === "array") return stringPlaces(schema["items"] as TSchema, [...path, 0]);
  if (type !== "object") return [];
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, TSchema>);
  const others = Object.values((schema["patternProperties"] ?? {}) as Record<string, TSchema>);
  return unique([
    ...properties.flatMap(([name, one]) => stringPlaces(one, [...path, name])),
    ...others.flatMap((one): StringPlace[] => [{ path, kind: "key" }, ...stringPlaces(one, [...path, "some"])]),
  ]);
}

const inAnything = (path: (string | number)[]): StringPlace[] => [
  { path, kind: "value" },
  { path: [...path, "inner", 1, "name"], kind: "value" },
  { path: [...path, "inner", 0], kind: "key" },
];

/** The params with a string at a place, and everything that holds it. */
export function putString(params: Record<string, unknown>, { path, kind }: StringPlace, text: string): Record<string, unknown> {
  const leaf = kind === "value" ? text : { [text]: 1 };
  return build(params, path, leaf) as Record<string, unknown>;
}

function build(around: unknown, path: (string | number)[], leaf: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return leaf;
  if (typeof step === "number") return [...Array.from({ length: step }, () => 0), build(undefined, rest, leaf)];
  const fields = (typeof around === "object" && around !== null ? around : {}) as Record<string, unknown>;
  return { ...fields, [step]: build(fields[step], rest, leaf) };
}

/** How a refusal names the place. */
export const fieldOf = ({ path, kind }: StringPlace, text: string): string =>
  [...path, ...(kind === "key" ? [text.toWellFormed()] : [])].join(".");

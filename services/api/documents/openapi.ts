import { audienceProblems, commonProblems, problems, type Audience, type ProblemCode } from "@confab/contracts";
import { idempotencyHeader, idempotencyKey } from "../idempotency.ts";
import { offeredRoutes, restPath, type Route } from "../routes.ts";
import type { ApiSettings } from "../settings.ts";
import { presentSchema, presentShapes, type Json } from "./shapes.ts";

/** OpenAPI 3.1 of everything under `restPath`, from the contracts. */
export function presentOpenapi(version: string, settings: Pick<ApiSettings, "AUTH" | "AUTH_CODE">): Json {
  const routes = offeredRoutes(settings);
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = presentOperation(route);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Confab",
      version,
      description:
        "Errors are problem documents (RFC 9457); `code` is a stable word. Every GET answers HEAD as well. Requests may name themselves by `X-Request-Id`. `RateLimit` and `RateLimit-Policy` tell what is left of the budgets that a request takes from.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: restPath }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      schemas: presentShapes(),
      securitySchemes: securitySchemes(routes),
    },
  };
}

const schemes: Record<string, Json> = {
  bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "An access token." },
  serverKey: { type: "http", scheme: "bearer", bearerFormat: "ck_…", description: "A server key of the host's backend." },
};
/** By what each audience says who it is. */
const schemeOf: Record<Audience, string | undefined> = {
  anyone: undefined,
  user: "bearer",
  admin: "bearer",
  server: "serverKey",
  service: undefined,
};

function securitySchemes(routes: Route[]): Json {
  const used = new Set(routes.map(({ contract }) => schemeOf[contract.audience]));
  return Object.fromEntries(Object.entries(schemes).filter(([name]) => used.has(name)));
}

const tagOf = ({ action }: Route) => action.split(".").slice(0, 2).join(" ");

const idempotencyParameter: Json = {
  name: idempotencyHeader,
  in: "header",
  required: false,
  description: "Your own name of this request. Sent again under the same name it is done once.",
  schema: idempotencyKey,
};

function presentOperation(route: Route): Json {
  const { action, contract, pathParams, restIn } = route;
  const { properties, required = [] } = contract.params;
  const rest = Object.keys(properties).filter((name) => !pathParams.includes(name));
  const parameter = (name: string, place: string) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: presentSchema(properties[name]!),
  });
  const parameters = [
    ...pathParams.map((name) => parameter(name, "path")),
    ...(restIn === "query" ? rest.map((name) => parameter(name, "query")) : []),
    ...(contract.idempotent ? [idempotencyParameter] : []),
  ];
  return {
    operationId: action,
    summary: contract.summary,
    tags: [tagOf(route)],
    security: [schemeOf[contract.audience] ?? []].flat().map((scheme) => ({ [scheme]: [] })),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(takesBody(route) ? { requestBody: presentBody(route, rest) } : {}),
    responses: { ...presentSuccesses(route), ...presentProblems(problemsOf(route)) },
  };
}

const takesBody = ({ contract, pathParams, restIn }: Route) =>
  restIn === "body" && Object.keys(contract.params.properties).some((name) => !pathParams.includes(name));

function presentBody({ contract }: Route, fields: string[]): Json {
  const { properties, required = [] } = contract.params;
  const wanted = required.filter((name) => fields.includes(name));
  const schema = {
    type: "object",
    properties: Object.fromEntries(fields.map((name) => [name, presentSchema(properties[name]!)])),
    ...(wanted.length > 0 ? { required: wanted } : {}),
    additionalProperties: false,
  };
  return { required: wanted.length > 0, content: { "application/json": { schema } } };
}

function presentSuccesses({ contract }: Route): Json {
  return Object.fromEntries(
    contract.status.map((status) => [
      status,
      status === 204
        ? { description: "Done." }
        : { description: contract.summary, content: { "application/json": { schema: presentSchema(contract.returns) } } },
    ]),
  );
}

/** What a route can answer: its own problems, those of any request, and the gateway's for this kind of route. */
function problemsOf({ contract, restIn }: Route): ProblemCode[] {
  return [
    ...contract.problems,
    ...commonProblems,
    "bad_request",
    ...audienceProblems(contract),
    // Also where no field is wanted: a body may be sent.
    ...(restIn === "body" ? (["bad_json", "too_large", "unsupported_media_type"] as const) : []),
  ];
}

function presentProblems(codes: ProblemCode[]): Json {
  const byStatus = Map.groupBy(codes, (code) => problems[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.map((code) => `\`${code}\`: ${problems[code].title}.`).join(" "),
        content: {
          "application/problem+json": {
            schema: { allOf: [{ $ref: "#/components/schemas/Problem" }, { properties: { code: { enum: same } } }] },
          },
        },
      },
    ]),
  );
}

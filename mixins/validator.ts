import type { FieldError } from "@confab/contracts";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { Validators } from "moleculer";
import { findIJsonFaults, isIJson, maxNesting } from "./i-json.ts";

const ajv = new Ajv({ allErrors: true, strict: true, useDefaults: true });
addFormats.default(ajv);

/** More wrong fields than this tell nobody more. */
const maxErrors = 50;

/**
 * Every wrong field of a value, or none: by the schema, and by what every string, number and object must be (`isIJson`).
 * `useDefaults` fills in what the schema says of fields left out. `levels` is how deep it may be nested.
 */
export function compileSchema(schema: object, levels = maxNesting): (value: unknown) => FieldError[] {
  const validate: ValidateFunction = ajv.compile(schema);
  return (value) => {
    const faults = isIJson(value, levels) ? [] : findIJsonFaults(value, levels);
    if (!validate(value)) faults.push(...validate.errors!.map(presentError));
    return faults.slice(0, maxErrors);
  };
}

function presentError({ keyword, instancePath, params, message }: ErrorObject): FieldError {
  const parent = instancePath.slice(1).replaceAll("/", ".");
  const child = (params["missingProperty"] ?? params["additionalProperty"] ?? params["propertyName"]) as string | undefined;
  const field = [parent, child].filter(Boolean).join(".");
  if (keyword === "additionalProperties") return { field, code: "unknown", message: "there is no such field" };
  if (keyword === "required") return { field, code: "required", message: "is missing" };
  return { field, code: keyword, message: message ?? "is not as it must be" };
}

type CheckerFunction = ReturnType<Validators.Fastest["compile"]>;

const isJsonSchema = (schema: Record<string, unknown>) => schema["type"] === "object" && typeof schema["properties"] === "object";

/** Checks params by the contracts' JSON Schema; Moleculer's own services keep the validator that they are written for. */
export class ContractValidator extends Validators.Fastest {
  override compile(schema: Record<string, unknown>): CheckerFunction {
    if (!isJsonSchema(schema)) return super.compile(schema);
    const check = compileSchema(schema);
    return ((params: unknown) => {
      const errors = check(params);
      return errors.length === 0 ? true : errors;
    }) as unknown as CheckerFunction;
  }
}

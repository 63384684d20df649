import { badField } from "./problem.ts";

const maxDataBytes = 8192;

/** The host's own object as stored: JSON text, because databases restrict the names of fields. Its nesting was checked with the params. */
export function packData(data: Record<string, unknown> | undefined): string {
  const packed = JSON.stringify(data ?? {});
  if (Buffer.byteLength(packed) > maxDataBytes)
    throw badField("data", "too_large", `must not have more than ${maxDataBytes} bytes as JSON`);
  return packed;
}

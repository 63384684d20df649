import { badField } from "./problem.ts";

const maxDataBytes = 8192;

/** The host's own object, as it is stored: as text, since databases are particular about the names of fields. */
export function packData(data: Record<string, unknown> | undefined): string {
  const packed = stringify(data ?? {});
  if (Buffer.byteLength(packed) > maxDataBytes)
    throw badField("data", "too_large", `must not have more than ${maxDataBytes} bytes as JSON`);
  return packed;
}

function stringify(data: object): string {
  try {
    return JSON.stringify(data);
  } catch {
    // Nested so deep that it exhausts the stack: thousands of levels, and thousands of bytes.
    throw badField("data", "too_deep", "is nested too deep");
  }
}

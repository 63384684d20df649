/**
 * When a connection is encrypted: `start`: from its first byte, `require`: by STARTTLS or not at all, `offered`: by
 * STARTTLS where the server offers it, `off`: never.
 */
export type Encryption = "start" | "require" | "offered" | "off";

export interface SmtpAddress {
  host: string;
  port: number;
  auth?: { user: string; pass: string };
  encryption: Encryption;
}

export const smtpUrlShape = "smtp://… or smtps://…, of a host; with smtp:// also ?tls=require, ?tls=offered or ?tls=off";

const isLoopback = (host: string) => host === "localhost" || host === "::1" || host.startsWith("127.");

/**
 * What SMTP_URL says; nothing where it says something else. A password leaves the machine encrypted only: who could
 * take the server's offer of STARTTLS away would else read it.
 */
export function readSmtpUrl(given: string): SmtpAddress | undefined {
  if (!URL.canParse(given)) return undefined;
  const { protocol, hostname, port, username, password, pathname, hash, searchParams } = new URL(given);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const { tls, ...others } = Object.fromEntries(searchParams);
  if (!host || Object.keys(others).length > 0 || !["", "/"].includes(pathname) || hash) return undefined;
  const auth = readAuth(username, password);
  if (auth === undefined) return undefined;
  const shared = { host, ...(auth ? { auth } : {}) };
  if (protocol === "smtps:") return tls === undefined ? { ...shared, port: Number(port || 465), encryption: "start" } : undefined;
  if (protocol !== "smtp:") return undefined;
  const encryption = tls ?? (auth && !isLoopback(host) ? "require" : "offered");
  if (encryption !== "require" && encryption !== "offered" && encryption !== "off") return undefined;
  return { ...shared, port: Number(port || 587), encryption };
}

/** Null where none is named, undefined where it cannot be read. */
function readAuth(username: string, password: string): SmtpAddress["auth"] | null | undefined {
  if (!username && !password) return null;
  try {
    const auth = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
    return auth.user && auth.pass ? auth : undefined;
  } catch {
    return undefined;
  }
}

import type { IncomingMessage } from "node:http";
import { isIP, isIPv6 } from "node:net";
import proxyaddr from "proxy-addr";
import { declareSettings, list, type Values } from "./settings.ts";

function isTrustable(word: string): boolean {
  try {
    proxyaddr.compile([word]);
    return true;
  } catch {
    return false;
  }
}

/** Whose word counts on where a request comes from. */
export const addressSettings = declareSettings(
  "address",
  {
    TRUST_PROXY: list({
      about:
        "The proxies before this node, whose X-Forwarded-For is believed: addresses, CIDRs, or loopback, linklocal, uniquelocal. Without it nobody's is.",
      default: [],
      example: "10.0.0.0/8",
    }),
  },
  ({ TRUST_PROXY }) =>
    TRUST_PROXY.filter((word) => !isTrustable(word)).map((word) => ({
      name: "TRUST_PROXY",
      wanted: `names ${word}; each must be an address, a CIDR such as 10.0.0.0/8, or one of loopback, linklocal, uniquelocal`,
    })),
);

/** Tells where a request comes from: the last address that no trusted proxy has. What anybody else writes into headers is not read. */
export function addressReader({ TRUST_PROXY }: Values<typeof addressSettings.declarations>): (req: IncomingMessage) => string {
  const direct = (req: IncomingMessage) => withoutPrefix(req.socket.remoteAddress ?? "");
  if (TRUST_PROXY.length === 0) return direct;
  const isTrusted = proxyaddr.compile(TRUST_PROXY);
  return (req) => {
    const told = withoutPrefix(proxyaddr(req, isTrusted) ?? "");
    // A proxy that writes something else than addresses is taken for the asker.
    return isIP(told) ? told : direct(req);
  };
}

/** An IPv4 address that came over a socket of both kinds is itself. */
const withoutPrefix = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, "");

/** Where somebody asks from, as is counted: of IPv6 the network, since a household has all of it. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  const groups =
    tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

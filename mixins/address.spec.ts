import type { IncomingMessage } from "node:http";
import { addressReader, addressSettings, networkOf } from "./address.ts";
import { SettingsError } from "./settings.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", ""],
])("%p is counted as %p", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each<[string, string, string, string | undefined, string]>([
  ["nobody's word counts by default", "", "127.0.0.1", "192.0.2.7", "127.0.0.1"],
  ["a proxy's does where it is trusted", "loopback", "127.0.0.1", "192.0.2.7", "192.0.2.7"],
  ["so does it over a socket of both kinds", "loopback", "::ffff:127.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"],
  ["another's does not", "10.0.0.0/8", "127.0.0.1", "192.0.2.7", "127.0.0.1"],
  ["what the asker wrote before it does not", "loopback", "127.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"],
  ["one proxy behind another", "loopback,10.0.0.0/8", "127.0.0.1", "198.51.100.1, 192.0.2.7, 10.1.2.3", "192.0.2.7"],
  ["an address of IPv6", "uniquelocal", "fd00::1", "2001:db8::7", "2001:db8::7"],
  ["no header", "loopback", "127.0.0.1", undefined, "127.0.0.1"],
  ["something that is no address", "loopback", "127.0.0.1", "<script>", "127.0.0.1"],
])("%s", (_what, trusted, remoteAddress, forwarded, address) => {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  const read = addressReader(addressSettings.read({ TRUST_PROXY: trusted }));
  expect(read({ headers, socket: { remoteAddress } } as unknown as IncomingMessage)).toBe(address);
});

test.each(["everybody", "10.0.0.0/33", "10.0.0", "0.0.0.0/0", "loopback,*"])("TRUST_PROXY=%s stops the start", (given) => {
  expect(() => addressSettings.read({ TRUST_PROXY: given })).toThrow(SettingsError);
});

import fc from "fast-check";
import { headerText, isAddress, readMailbox } from "./mailbox.ts";

const from = "Confab <no-reply@example.org>";

test.each([
  "ann@example.org",
  "a.b+tag@example.org",
  "o'neill_{x}|~!#$%&*/=?^`-@example.org",
  "no-reply@localhost",
  "ann@xn--bcher-kva.example",
  "ann@bücher.example",
  "ännchen@bücher.example",
  "用户@例子.中国",
  "दामु@डाटा.भारत",
  "महेश@संपर्क.भारत",
  "δοκιμή@παράδειγμα.ελ",
  "דנה@דוגמה.ישראל",
  "🌱@example.org",
  "A@B.C",
  `${"a".repeat(64)}@example.org`,
  `a@${"b".repeat(63)}.${"c".repeat(63)}.example`,
])("%s is an address", (given) => {
  expect(isAddress(given)).toBe(true);
  expect(readMailbox(given)).toEqual({ name: "", address: given });
  expect(readMailbox(`Ann <${given}>`)).toEqual({ name: "Ann", address: given });
});

const ann = "ann@example.org";
const controls = [
  ...Array(32).keys(),
  127,
  0x80,
  0x85,
  0x9f,
  0x2028,
  0x2029,
  0xfeff,
  0x200b,
  0x200d,
  0x202e,
  0x2066,
  0xd800,
  0xdc00,
];
const specials = [...'()<>[]:;,\\" \t\u00a0\u3000＠＜＞，；：'];
const nasty = [
  "",
  "ann",
  "@",
  "@example.org",
  "ann@",
  "ann@@example.org",
  "ann@x@example.org",
  ".ann@example.org",
  "ann.@example.org",
  "an..n@example.org",
  "ann@.example.org",
  "ann@example.org.",
  "ann@example..org",
  "ann@-example.org",
  "ann@example-.org",
  "ann@exa_mple.org",
  "ann@exa%00mple.org",
  "ann@example.org/x",
  "ann@example.org?x",
  "ann@example.org#x",
  "ann@example.org:25",
  "ann@[127.0.0.1]",
  "ann@[IPv6:::1]",
  "ann@127.0.0.1",
  "ann@127.1",
  "ann@0x7f000001",
  "ann@2130706433",
  "ann@0177.0.0.1",
  "ann@１２７.0.0.1",
  "ann@example.123",
  "ann@xn--.example",
  "ann@\u00ad.example",
  `"ann"@example.org`,
  `"a b"@example.org`,
  `"ann@example.org"@example.net`,
  `"\\""@example.org`,
  "ann(comment)@example.org",
  "ann@example.org (Ann)",
  "ann@(comment)example.org",
  "(c)ann@example.org",
  "Ann <ann@example.org>",
  "<ann@example.org>",
  "friends: ann@example.org;",
  "friends:ann@example.org,eve@example.org;",
  ":;",
  "undisclosed-recipients:;",
  `${ann},eve@example.org`,
  `${ann}, eve@example.org`,
  `${ann};eve@example.org`,
  `${ann} eve@example.org`,
  `${ann}>,<eve@example.org`,
  "@relay.example,@other.example:ann@example.org",
  "ann%example.net@example.org@",
  "mailto:ann@example.org",
  `${ann}\r\nBcc: eve@example.org`,
  `${ann}%0d%0aBcc:%20eve@example.org`,
  `${ann}\r\nRCPT TO:<eve@example.org>`,
  `${ann}> SIZE=1`,
  "=?utf-8?q?ann=40example.org?=",
  "=?utf-8?q?ann?= <ann@example.org>",
  "ann@ｅｘample.org\u0000",
  "ﷺ@example.org",
  `${"a".repeat(65)}@example.org`,
  `${"ä".repeat(33)}@example.org`,
  `a@${"b".repeat(64)}.example`,
  `a@${"bbbb.".repeat(60)}example`,
  `${"a".repeat(64)}@${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(60)}.example`,
  `${"a".repeat(10_000)}@example.org`,
  "🌱".repeat(10_000),
  ...controls.flatMap((code) => {
    const sign = String.fromCharCode(code);
    return [`${sign}${ann}`, `${ann}${sign}`, `a${sign}nn@example.org`, `ann@exa${sign}mple.org`, `ann${sign}@example.org`];
  }),
  ...specials.flatMap((sign) => [
    `${sign}${ann}`,
    `${ann}${sign}`,
    `a${sign}nn@example.org`,
    `ann@exa${sign}mple.org`,
    `ann@${sign}`,
  ]),
];

test(`none of ${nasty.length} others is one`, () => {
  expect(nasty.filter(isAddress)).toEqual([]);
});

test("whatever stands in it, an address that is taken is one token of one line", () => {
  const ascii = fc.string({ unit: fc.constantFrom(..."aB1.-@_+\"'<>()[],:;\\ \r\n\t\u0000%!=?") });
  const part = fc.oneof(ascii, fc.string({ unit: "binary" }));
  const given = fc.oneof(
    part,
    fc.tuple(part, part).map((parts) => parts.join("@")),
  );
  fc.assert(
    fc.property(given, (one) => {
      if (!isAddress(one)) return;
      expect(one).toMatch(/^[^\s<>@,;:"()[\]\\\p{C}]+@[^\s<>@,;:"()[\]\\\p{C}]+$/u);
      expect(one.split("@")).toHaveLength(2);
    }),
    { numRuns: 2000 },
  );
});

test("a mailbox is a name and one address, on one line", () => {
  expect(readMailbox(from)).toEqual({ name: "Confab", address: "no-reply@example.org" });
  expect(readMailbox("no-reply@example.org")).toEqual({ name: "", address: "no-reply@example.org" });
  expect(readMailbox(`"Confab, Inc." <no-reply@example.org>`)?.name).toBe("Confab, Inc.");
  expect(readMailbox("Café «Blüte» <no-reply@example.org>")?.name).toBe("Café «Blüte»");
});

test.each([
  "Confab",
  "Confab <>",
  "a@b <c",
  "Confab\r\nBcc: x <a@example.org>",
  "a@example.org\n",
  "Confab\n <a@example.org>",
  "\nConfab <a@example.org>",
  "Confab <a@example.org>, Eve <e@example.org>",
  "Confab <a@example.org> (x)",
  `"Con"fab" <a@example.org>`,
  "Con\u202efab <a@example.org>",
  `${"🌱".repeat(10_000)} <a@example.org>`,
  "Confab <<a@example.org>>",
])("%j is no mailbox", (given) => {
  expect(readMailbox(given)).toBeUndefined();
});

test("text for a header is on one line, whatever it was", () => {
  expect(headerText("a\r\n\u0000b\u0085\u2028c")).toBe("a b c");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(headerText(text))));
});

import type { ActionName } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import { startApi, type Asking, type Started } from "../testing.ts";

/* The address that mails name in List-Unsubscribe, before a mail service that knows one token of each kind. */

const taken: string[] = [];
let isAway = false;
let isBroken = false;
type Asked = { params: unknown };
function find(params: unknown) {
  if (isAway) throw Object.assign(new Error("the database is not available"), { name: "Unavailable" });
  if (isBroken) throw new Error("a fault of ours");
  const { token } = params as { token: string };
  const kind = ({ good: "digest", asked: "invitation", told: "notification" } as const)[token];
  if (!kind) throw problem("not_found");
  return { kind };
}
const answers: Partial<Record<ActionName, (ctx: Asked) => unknown>> = {
  "mail.unsubscribe.look": ({ params }) => find(params),
  "mail.unsubscribe.take": ({ params }) => {
    const found = find(params);
    taken.push((params as { token: string }).token);
    return found;
  },
};

let api: Started;
beforeAll(async () => void (api = await startApi(answers)));
afterAll(() => api.stop());
beforeEach(() => {
  taken.length = 0;
  isAway = isBroken = false;
});

const form = { "content-type": "application/x-www-form-urlencoded" };
const oneClick: Asking = { method: "POST", headers: form, body: "List-Unsubscribe=One-Click" };

test("whoever reads the link is asked, by a form that needs no script, and nothing changes", async () => {
  const { status, headers, text } = await api.ask("/unsubscribe/good", { headers: { accept: "text/html" } });
  expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(text).toMatch(/<form method="post">.*<button>Stop these mails<\/button>/s);
  expect(text).not.toContain("<script");
  expect(headers).toMatchObject({ "referrer-policy": "no-referrer", "cache-control": "no-store" });
  const head = await api.ask("/unsubscribe/good", { method: "HEAD" });
  expect([head.status, head.text]).toEqual([200, ""]);
  expect(taken).toEqual([]);
  expect((await api.ask("/unsubscribe.css")).headers["content-type"]).toBe("text/css; charset=utf-8");
});

const multipart: Asking = {
  method: "POST",
  headers: { "content-type": "multipart/form-data; boundary=xyz" },
  body: '--xyz\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--xyz--\r\n',
};
test.each<[string, Asking]>([
  ["in the one form of RFC 8058", oneClick],
  ["in the other", multipart],
  ["with no body at all", { method: "POST" }],
  [
    "from a page of somebody's",
    { ...oneClick, headers: { ...form, origin: "https://mail.example.com", "sec-fetch-site": "cross-site" } },
  ],
])("a mailbox provider ends it by a POST %s, with nothing but the token, as often as it likes", async (_how, asking) => {
  for (let time = 1; time <= 2; time++) {
    const { status, headers } = await api.ask("/unsubscribe/good", asking);
    expect(status).toBe(200);
    expect([headers["set-cookie"], headers.location]).toEqual([undefined, undefined]);
  }
  expect(taken).toEqual(["good", "good"]);
});

test("it speaks the language of whoever reads it, and names the kind alone", async () => {
  const ask = async (token: string, language?: string) =>
    (await api.ask(`/unsubscribe/${token}`, language ? { headers: { "accept-language": language } } : {})).text;
  expect(await ask("told")).toMatch(/lang="en".*no more mails about mentions and direct messages/s);
  expect(await ask("told", "de-AT,en;q=0.5")).toMatch(/lang="de".*keine E-Mails mehr über Erwähnungen/s);
  expect(await ask("asked", "fr,en;q=0.5")).toMatch(/lang="en".*no more invitations/s);
  expect(await ask("good", "xx, ;;q=,")).toMatch(/lang="en"/);
});

test("a token that is none is not found, whatever it looks like, and the page says so", async () => {
  for (const token of ["bad", "%00", "%E0%A4%A", "x".repeat(600), "good.", "Good", "..%2Fgood"]) {
    for (const asking of [{}, oneClick]) {
      const { status, text } = await api.ask(`/unsubscribe/${token}`, asking);
      expect([token, status]).toEqual([token, token === "%E0%A4%A" ? 400 : 404]);
      expect(text).not.toContain(token);
    }
  }
  expect((await api.ask("/unsubscribe/good/more")).status).toBe(404);
  expect(taken).toEqual([]);
});

test("no other method does anything", async () => {
  for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const { status, headers } = await api.ask("/unsubscribe/good", { method });
    expect([method, status, headers.allow]).toEqual([method, 405, "GET, HEAD, POST"]);
  }
  expect(taken).toEqual([]);
});

test("a body that is too long, or compressed, is not read", async () => {
  const long = await api.ask("/unsubscribe/good", { ...oneClick, body: "x".repeat(9000) });
  expect([long.status, long.json.code]).toEqual([413, "too_large"]);
  const packed = await api.ask("/unsubscribe/good", { ...oneClick, headers: { ...form, "content-encoding": "gzip" } });
  expect(packed.status).toBe(415);
  expect(taken).toEqual([]);
});

test("while what it needs is away it says so, and is to be asked again", async () => {
  isAway = true;
  const { status, headers, text } = await api.ask("/unsubscribe/good", oneClick);
  expect([status, headers["retry-after"]]).toEqual([503, "1"]);
  expect(text).toContain("Nothing was changed");
  isAway = false;
  expect((await api.ask("/unsubscribe/good", oneClick)).status).toBe(200);
  expect(taken).toEqual(["good"]);
});

test("no token gets into a log, whatever goes wrong", async () => {
  const token = "a-token-that-nobody-may-read";
  for (const fault of ["none", "away", "broken"]) {
    [isAway, isBroken] = [fault === "away", fault === "broken"];
    for (const path of [`/unsubscribe/${token}`, `/UNSUBSCRIBE/${token}`, `/x/unsubscribe%2F${token}`, `//unsubscribe/${token}`])
      for (const asking of [{}, oneClick, { method: "PUT" }]) await api.ask(path, asking);
  }
  expect(api.log.length).toBeGreaterThan(0);
  expect(api.log.filter((line) => line.includes(token))).toEqual([]);
});

test("whoever guesses is stopped by the budget of the address", async () => {
  const strict = await startApi(answers, { env: { RATE_ADDRESS: "3" } });
  try {
    const seen: number[] = [];
    for (let at = 0; at < 5; at++) seen.push((await strict.ask("/unsubscribe/bad", oneClick)).status);
    expect(seen).toEqual([404, 404, 404, 429, 429]);
  } finally {
    await strict.stop();
  }
});

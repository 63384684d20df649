import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const { PORT, CONFAB_URL, CONFAB_KEY } = process.env;
// Whoever is signed in to the host, by whatever the host has for that; here a cookie of two people.
const people = { 1: { name: "Ann" }, 2: { name: "Bob" } };
const whoAsks = (request) => /\bperson=([12])\b/.exec(request.headers.cookie ?? "")?.[1];

async function confab(method, path, body) {
  const headers = { Authorization: `Bearer ${CONFAB_KEY}`, "Content-Type": "application/json" };
  const response = await fetch(`${CONFAB_URL}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error((await response.json()).code);
  return response.json();
}

for (const [id, profile] of Object.entries(people)) await confab("PUT", `/server/users/${id}`, profile);
const chat = await confab("PUT", "/server/chats/by-key/order-7", { owner: "1", members: ["2"], title: "Order 7" });
const message = { sender: "2", clientMessageId: "order-7-shipped", text: "Your order is on its way." };
await confab("POST", `/server/chats/${chat.id}/messages`, message);

const kept = new Map(); // the refresh token of each person, so that a new access token is not a new session
async function tokenOf(id) {
  const again = kept.has(id) && (await confab("POST", "/auth/refresh", { refreshToken: kept.get(id) }).catch(() => null));
  const tokens = again || (await confab("POST", `/server/users/${id}/tokens`, { device: "Orders" }));
  kept.set(id, tokens.refreshToken);
  return tokens.accessToken;
}

const files = { "/": ["page.html", "text/html"], "/page.js": ["dist/page.js", "text/javascript"] };
createServer(async (request, response) => {
  const [file, type] = files[request.url] ?? [];
  if (file) return response.setHeader("Content-Type", type).end(await readFile(new URL(file, import.meta.url)));
  const id = request.method === "POST" && request.url === "/chat-token" && whoAsks(request);
  if (!id) return response.writeHead(401).end();
  await tokenOf(id).then(
    (token) => response.end(JSON.stringify({ url: CONFAB_URL, token })),
    () => response.writeHead(503).end(),
  );
}).listen(PORT);

import { createClient, memoryStorage } from "@confab/sdk";

const ask = async () => (await fetch("/chat-token", { method: "POST" })).json();
const { url } = await ask();
const client = createClient({ url, storage: memoryStorage(), getToken: async () => (await ask()).token });

const list = document.querySelector("ol");
client.subscribe(({ chats }) => {
  const [{ messages, outgoing }] = chats.size > 0 ? chats.values() : [{ messages: [], outgoing: [] }];
  const texts = [...messages, ...outgoing].map(({ text }) => text);
  list.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
});

const form = document.querySelector("form");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const [chatId] = client.get().chats.keys();
  client.send(chatId, form.elements.text.value);
  form.reset();
});
client.connect();

import type { InboxMail, Result } from "@confab/contracts";

/* The inbox in a browser of a developer: of this file the types are taken out, and it is served as it is. */

type Template = Result<"mail.template.preview">["items"][number];
/** A mail that came, or a template filled in. */
type Shown = Pick<InboxMail, "subject" | "text" | "html"> & { id: string } & (InboxMail | Template);

const root = document.querySelector<HTMLElement>("#inbox")!;
/** Where the mails, or the templates, are asked for. */
const source = root.dataset["source"]!;
const isInbox = source === "inbox";
const everyMs = 1500;

const choices = {
  body: ["HTML", "Text", ...(isInbox ? ["Headers"] : [])],
  scheme: ["Light", "Dark"],
  width: ["Wide", "Narrow"],
};
const chosen: Record<keyof typeof choices, string> = {
  body: "HTML",
  scheme: matchMedia("(prefers-color-scheme: dark)").matches ? "Dark" : "Light",
  width: "Wide",
};

let items: Shown[] = [];
let openId = decodeURIComponent(location.hash.slice(1));
/** What was there when the page was opened is not new. */
let seen: Set<string> | undefined;
/** Whoever comes for an address's mails waits for its newest. */
let opensNewest = openId === "" && new URLSearchParams(location.search).has("to");

function make<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  properties: Partial<HTMLElementTagNameMap[T]> & { dataset?: Record<string, string> } = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[T] {
  const { dataset = {}, ...others } = properties;
  const element = Object.assign(document.createElement(tag), others);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

const search = make("input", {
  type: "search",
  placeholder: "Search by address",
  value: new URLSearchParams(location.search).get("to") ?? "",
  ariaLabel: "Search by address",
  autocomplete: "off",
  spellcheck: false,
  dataset: { testid: "search" },
});
const language = make(
  "select",
  { ariaLabel: "Language", dataset: { testid: "language" } },
  ...root.dataset["languages"]!.split(" ").map((tag) =>
    make("option", { value: tag }, new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag),
  ),
);
const list = make("ul", { dataset: { testid: "mails" } });
const note = make("p", { className: "note", role: "status" });
const pane = make("section", { className: "pane", dataset: { testid: "pane" } });

/** A row of buttons of which one is pressed. */
function toggles(name: keyof typeof choices): HTMLElement {
  const buttons = choices[name].map((choice) => {
    const button = make("button", { type: "button", ariaPressed: String(chosen[name] === choice) }, choice);
    button.addEventListener("click", () => {
      chosen[name] = choice;
      showPane();
      pane.querySelector<HTMLElement>(`[data-of="${name}"] [aria-pressed="true"]`)?.focus();
    });
    return button;
  });
  return make("div", { className: "toggles", role: "group", dataset: { of: name } }, ...buttons);
}

const idOf = (one: Shown) => one.id;
const codeOf = ({ text }: Shown) => /^\d{6}$/m.exec(text)?.[0];
const clock = (at: string) => make("time", { dateTime: at, title: at }, new Date(at).toLocaleTimeString());

function showList(): void {
  const rows = items.map((one) => {
    const to = "to" in one ? [make("span", { className: "to" }, one.to), clock(one.at)] : [make("span", {}, one.subject)];
    const button = make(
      "button",
      { type: "button", ariaCurrent: String(idOf(one) === openId), className: seen?.has(idOf(one)) ? "" : "new" },
      make("b", {}, "to" in one ? one.subject : one.template),
      make("small", {}, ...to),
    );
    button.addEventListener("click", () => open(idOf(one)));
    return make("li", {}, button);
  });
  list.replaceChildren(...rows);
}

function open(id: string): void {
  opensNewest = false;
  openId = id;
  seen?.add(id);
  history.replaceState(null, "", id ? `#${encodeURIComponent(id)}` : `${location.pathname}${location.search}`);
  showList();
  showPane();
  root.classList.toggle("reading", id !== "");
}

const findOpen = () => items.find((item) => idOf(item) === openId);
const idOfOpen = () => findOpen()?.id ?? "";

function showPane(): void {
  const one = findOpen();
  pane.dataset["id"] = idOfOpen();
  if (!one)
    return pane.replaceChildren(make("p", { className: "note" }, isInbox ? "Choose a mail to read it." : "Choose a template."));
  const back = make("button", { type: "button", className: "back" }, "← All");
  back.addEventListener("click", () => open(""));
  const head = make("header", {}, back, make("h2", {}, one.subject));
  if ("to" in one) head.append(make("p", {}, `${one.headers["From"] ?? ""} → `, make("b", {}, one.to), ", ", clock(one.at)));
  const code = codeOf(one);
  if (code) head.append(copyable(code));
  const tools = make("div", { className: "tools" }, toggles("body"));
  if (chosen.body === "HTML") tools.append(toggles("scheme"), toggles("width"));
  pane.replaceChildren(head, tools, bodyOf(one));
}

function copyable(code: string): HTMLElement {
  const copy = make("button", { type: "button", dataset: { testid: "copy" } }, "Copy");
  const shown = make("code", {}, code);
  copy.addEventListener("click", () => {
    const said = (word: string) => void (copy.textContent = word);
    // A page that is not of this machine nor encrypted may not write there; the code is marked then, to be copied by hand.
    if (navigator.clipboard)
      return void navigator.clipboard.writeText(code).then(
        () => said("Copied"),
        () => said("Not copied"),
      );
    getSelection()?.selectAllChildren(shown);
  });
  return make("p", { className: "code" }, shown, copy);
}

function bodyOf(one: Shown): HTMLElement {
  if (chosen.body === "Text") return make("pre", { dataset: { testid: "text" } }, one.text);
  if (chosen.body === "Headers" && "headers" in one) {
    const rows = Object.entries(one.headers).map(([name, value]) => make("tr", {}, make("th", {}, name), make("td", {}, value)));
    return make("table", { dataset: { testid: "headers" } }, make("tbody", {}, ...rows));
  }
  const frame = make("iframe", {
    title: one.subject,
    // No script of a mail runs; its links open beside the inbox.
    sandbox: "allow-popups allow-popups-to-escape-sandbox" as unknown as DOMTokenList,
    srcdoc: inScheme(one.html, chosen.scheme === "Dark"),
    className: chosen.width.toLowerCase(),
    dataset: { testid: "mail" },
  });
  return make("div", { className: "frame" }, frame);
}

/** The mail as a browser shows it that prefers the scheme, whatever this one prefers. */
const inScheme = (html: string, dark: boolean) =>
  html
    .replaceAll("(prefers-color-scheme: dark)", dark ? "all" : "not all")
    .replaceAll(/(color-schemes?(?:: |" content="))light dark/g, `$1${dark ? "dark" : "light"}`);

async function ask(query: Record<string, string>): Promise<Shown[]> {
  const response = await fetch(`${source}?${new URLSearchParams(query).toString()}`, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const { items } = (await response.json()) as { items: (InboxMail | Template)[] };
  return items.map((one): Shown => ("id" in one ? one : { ...one, id: one.template }));
}

/** The newest, of which the typed word is in the address, and all of the address where it is a whole one. */
async function find(): Promise<Shown[]> {
  if (!isInbox) return ask({ language: language.value });
  const word = search.value.trim().toLowerCase();
  const [newest, exact] = await Promise.all([ask({}), word.includes("@") ? ask({ to: word }) : []]);
  const found = [...exact, ...newest.filter((one) => "to" in one && one.to.toLowerCase().includes(word))];
  return [...new Map(found.map((one) => [idOf(one), one])).values()].sort((a, b) => (idOf(a) < idOf(b) ? 1 : -1));
}

let asked = 0;
async function refresh(): Promise<void> {
  const mine = ++asked;
  try {
    const found = await find();
    // An answer that was overtaken by a later question is nobody's.
    if (mine !== asked) return;
    const isSame = isInbox && items.map(idOf).join() === found.map(idOf).join();
    seen ??= new Set(found.map(idOf));
    items = found;
    note.textContent = items.length > 0 ? "" : search.value ? "No mail to such an address." : "No mail yet.";
    if (opensNewest && items[0]) return open(idOf(items[0]));
    if (isSame) return;
    showList();
    // Whoever reads a mail is not disturbed by others that come.
    if (!isInbox || pane.dataset["id"] !== idOfOpen()) showPane();
  } catch {
    if (mine === asked) note.textContent = "The server does not answer. It is asked again.";
  }
}

search.addEventListener("input", () => {
  const query = search.value ? `?to=${encodeURIComponent(search.value)}` : "";
  history.replaceState(null, "", `${location.pathname}${query}${location.hash}`);
  void refresh();
});
language.addEventListener("change", () => void refresh());
list.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...list.querySelectorAll("button")];
  buttons[buttons.findIndex((button) => button === document.activeElement) + step]?.focus();
});

root.replaceChildren(
  make("section", { className: "list" }, make("div", { className: "find" }, isInbox ? search : language), note, list),
  pane,
);
root.classList.toggle("reading", openId !== "");
showPane();
void refresh();
if (isInbox) setInterval(() => document.hidden || void refresh(), everyMs);

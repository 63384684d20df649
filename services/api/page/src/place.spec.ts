import { hrefOf, readPlace, type Place } from "./place.ts";

const id = "01a20d64-896f-748d-a140-4dce2710a724";
const nowhere: Record<keyof Place, undefined> = {
  ...{ chatId: undefined, panel: undefined, seq: undefined, invite: undefined },
  ...{ admin: undefined, userId: undefined, address: undefined },
};

test.each<Place>([
  {},
  { chatId: id },
  { chatId: id, panel: "search" },
  { chatId: id, seq: 12 },
  { invite: "GCNZ_iYj4-W" },
  { admin: "reports" },
  { admin: "users", userId: id },
  { admin: "mail" },
  { admin: "mail", address: "ann+a/b%c@example.org" },
])("%j is read as it is written", (place) => {
  expect({ ...nowhere, ...readPlace(hrefOf(place)) }).toEqual({ ...nowhere, ...place });
});

test.each([
  "",
  "#",
  "#/chats/",
  "#/chats/<b>",
  `#/chats/${id}/nothing`,
  "#/invite/a/b",
  "#/admin",
  "#/admin/x",
  `#/admin/keys/${id}`,
  "#/admin/mail/a/b",
])("%s names nothing", (hash) => {
  expect({ ...nowhere, ...readPlace(hash) }).toEqual(nowhere);
});

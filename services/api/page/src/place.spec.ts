import { hrefOf, readPlace, type Place } from "./place.ts";

const id = "01a20d64-896f-748d-a140-4dce2710a724";

test.each<Place>([{}, { chatId: id }, { chatId: id, panel: "search" }, { chatId: id, seq: 12 }, { invite: "GCNZ_iYj4-W" }])(
  "%j is read as it is written",
  (place) => {
    const { chatId, panel, seq, invite } = readPlace(hrefOf(place));
    expect({ chatId, panel, seq, invite }).toEqual({
      chatId: undefined,
      panel: undefined,
      seq: undefined,
      invite: undefined,
      ...place,
    });
  },
);

test.each(["", "#", "#/chats/", "#/chats/<b>", `#/chats/${id}/nothing`, "#/invite/a/b"])("%s names nothing", (hash) => {
  const { chatId, invite } = readPlace(hash);
  expect([chatId, invite]).toEqual([undefined, undefined]);
});

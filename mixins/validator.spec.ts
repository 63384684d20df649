import { actions } from "@confab/contracts";
import { compileSchema } from "./validator.ts";

const check = compileSchema(actions["chat.message.send"].params);

test("names every wrong, missing and unknown field", () => {
  const errors = check({ chatId: "x", text: "", colour: "red" });
  expect(errors.map(({ field, code }) => `${field} ${code}`).sort()).toEqual([
    "chatId format",
    "clientMessageId required",
    "colour unknown",
    "text minLength",
    "text pattern",
  ]);
});

test("names an item of an array by its place", () => {
  const errors = compileSchema(actions["chat.chat.create"].params)({ type: "group", memberIds: ["x"] });
  expect(errors).toMatchObject([{ field: "memberIds.0", code: "format" }]);
});

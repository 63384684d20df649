import { mentionsIn } from "./mentions.ts";

const named = { "Ann Arbor": "a", Ann: "b", "Bo (he)": "c" };

test("only those whose names are still in the text are mentioned", () => {
  expect(mentionsIn("Hello @Ann Arbor!", named)).toEqual(["a", "b"]);
  expect(mentionsIn("@Bo (he) and others", named)).toEqual(["c"]);
  expect(mentionsIn("ann@Ann.example, @Annette", named)).toEqual([]);
});

test("all is all, and a word that begins so is not", () => {
  expect(mentionsIn("Listen, @all!", { ...named, all: "all" })).toBe("all");
  expect(mentionsIn("@allright", { all: "all" })).toEqual([]);
});

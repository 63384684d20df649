import {
  checkSettings,
  declareSettings,
  flag,
  integer,
  joinSettings,
  list,
  oneOf,
  SettingsError,
  text,
  url,
} from "./settings.ts";

const kitchen = declareSettings(
  "kitchen",
  {
    CUPS: integer({ about: "How many cups.", default: 6, min: 1, max: 12 }),
    TEA: oneOf(["green", "black"], { about: "Which tea.", default: "green" }),
    STOVE: url(["gas", "coal"], { about: "Where the stove is." }),
    GUESTS: list({ about: "Who comes.", default: [] }),
    MILK: flag({ about: "Whether there is milk.", default: true }),
    SAFE: text({ about: "What opens the safe.", secret: true, required: "production" }),
  },
  ({ CUPS, GUESTS }) => (GUESTS.length > CUPS ? [{ name: "GUESTS", wanted: "are more than there are cups" }] : []),
);

function faults(env: Record<string, string>, all = { cook: kitchen }): string {
  try {
    checkSettings(all, env);
    return "";
  } catch (err) {
    expect(err).toBeInstanceOf(SettingsError);
    return (err as Error).message;
  }
}

test("values have their types, and defaults where nothing is given", () => {
  expect(kitchen.read({ CUPS: "3", GUESTS: "ann, bob", MILK: "off" })).toMatchObject({
    CUPS: 3,
    TEA: "green",
    GUESTS: ["ann", "bob"],
    MILK: false,
  });
  expect(kitchen.read({ CUPS: "" }).CUPS).toBe(6);
});

test.each([
  [{ CUPS: "many" }, "CUPS: must be a whole number from 1 to 12"],
  [{ CUPS: "13" }, "CUPS: must be"],
  [{ CUPS: "-1" }, "CUPS: must be"],
  [{ TEA: "mint" }, "TEA: must be one of green, black"],
  [{ STOVE: "wood://here" }, "STOVE: must be gas://… or coal://…"],
  [{ MILK: "yes" }, "MILK: must be on or off"],
  [{ NODE_ENV: "production" }, "SAFE: is missing"],
])("%p is refused", (env, message) => {
  expect(faults(env)).toContain(message);
});

test("all faults are named at once, with who wants what, also those of values together", () => {
  const message = faults({ TEA: "mint", CUPS: "1", GUESTS: "ann,bob", NODE_ENV: "production" });
  for (const name of ["TEA", "GUESTS", "SAFE"]) expect(message).toMatch(new RegExp(`${name}: .*\\(wanted by cook\\)`));
});

test("what several want is named once, with all of them", () => {
  const message = faults({ CUPS: "x" }, { cook: kitchen, butler: joinSettings(kitchen) } as { cook: typeof kitchen });
  expect(message.match(/CUPS/g)).toHaveLength(1);
  expect(message).toContain("(wanted by cook, butler)");
});

test("a fault does not show what was given: it may be a secret", () => {
  expect(faults({ STOVE: "wood://user:hunter2@here" })).not.toContain("hunter2");
});

test("secrets are marked, so that they stay on this node", () => {
  expect(joinSettings(kitchen).read({}).$secureSettings).toEqual(["SAFE"]);
});

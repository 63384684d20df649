import { join } from "node:path";
import tseslint from "typescript-eslint";

const services = ["user", "chat", "mail", "io", "api"];

/** A service speaks to the others by calls and events alone: it imports contracts, mixins and its own files. */
const walls = services.map((service) => {
  const others = services.filter((other) => other !== service);
  return {
    files: [`services/${service}/**/*.{ts,tsx}`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: `(^|/)(services|\\.\\.)/(${others.join("|")})/|^@confab/(${others.join("|")}|tests)(/|$)`,
              message: "A service speaks to the others by calls and events: import contracts, mixins and its own files.",
            },
            { regex: "(^|/)(node|confab)\\.ts$|/tests/|/tools/", message: "A service does not know what runs it." },
          ],
        },
      ],
    },
  };
});

/** What everything stands on stands on nothing of ours above it. */
const floors = [
  // It is published by itself.
  [["adapters/**/*.ts"], "(^|/)(contracts|mixins|services|sdk|tests|tools)/|^@confab/"],
  [["mixins/**/*.ts"], "(^|/)(services|sdk|tests|tools)/|^@confab/(sdk|tests|user|chat|mail|io|api)(/|$)"],
  [
    ["contracts/**/*.ts", "sdk/**/*.ts"],
    "(^|/)(services|mixins|tests|tools)/|^@confab/(mixins|tests|user|chat|mail|io|api)(/|$)",
  ],
].map(([files, regex]) => ({
  files,
  rules: { "no-restricted-imports": ["error", { patterns: [{ regex, message: "The lower floor does not know the upper." }] }] },
}));

export default tseslint.config(
  { ignores: ["**/node_modules/", "**/dist/", "coverage/", "artifacts/", "data/", ".parts/"] },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: join(import.meta.dirname) } },
    rules: {
      eqeqeq: "error",
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: "Settings are declared: see mixins/settings.ts." },
      ],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // A static method that opens something is handed on as a function.
      "@typescript-eslint/unbound-method": ["error", { ignoreStatic: true }],
      // The port of the stores and Moleculer's hooks are asynchronous whether or not something is awaited.
      "@typescript-eslint/require-await": "off",
    },
  },
  { files: ["mixins/settings.ts", "tools/**", "tests/**", "**/*.spec.ts"], rules: { "no-restricted-properties": "off" } },
  // What a test reads from an answer is checked by the test.
  {
    files: ["**/*.spec.ts", "**/*.suite.ts", "**/testing.ts", "tests/**"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  ...walls,
  ...floors,
);

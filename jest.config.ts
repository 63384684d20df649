import type { Config } from "jest";

const toCommonJs = (syntax: "typescript" | "ecmascript"): [string, Record<string, unknown>] => [
  "@swc/jest",
  { jsc: { target: "es2023", parser: { syntax } }, module: { type: "commonjs" } },
];

/** TypeScript is compiled to CommonJS for tests; what runs in production is the same files, with their types stripped by Node. */
const shared = {
  testEnvironment: "node",
  transform: { "^.+\\.tsx?$": toCommonJs("typescript"), "/node_modules/jose/.+\\.js$": toCommonJs("ecmascript") },
  // jose comes as modules alone.
  transformIgnorePatterns: ["/node_modules/(?!jose/)"],
  testMatch: ["**/*.spec.ts"],
  // A built package has the name of its sources.
  modulePathIgnorePatterns: ["<rootDir>/adapters/[^/]+/dist/"],
  moduleNameMapper: {
    "^@confab/(contracts|sdk)$": "<rootDir>/$1/index.ts",
    "^@confab/sqlite$": "<rootDir>/adapters/sqlite/src/index.ts",
    "^@confab/(contracts|mixins|sdk)/(.*)$": "<rootDir>/$1/$2",
  },
} satisfies Config;

const ignored = ["/node_modules/", "/dist/"];
const under = (...folders: string[]) => folders.map((folder) => `<rootDir>/${folder}`);

const config: Config = {
  // Against tests that hang, on a machine that may be busy with much else. What has to be fast measures that itself.
  testTimeout: 30_000,
  reporters: ["default", "<rootDir>/tests/support/reporter.ts"],
  projects: [
    {
      ...shared,
      displayName: "quick",
      roots: under("adapters", "contracts", "mixins", "sdk", "services", "tools"),
      testPathIgnorePatterns: [...ignored, "<rootDir>/tools/parts/"],
    },
    {
      ...shared,
      displayName: "full",
      roots: under("tests", "tools/parts"),
      testPathIgnorePatterns: ignored,
      setupFilesAfterEnv: ["<rootDir>/tests/support/time.limit.ts"],
      // The real RabbitMQ, Redis and MongoDB, once for all of them.
      globalSetup: "<rootDir>/tests/support/global.setup.ts",
      globalTeardown: "<rootDir>/tests/support/global.teardown.ts",
    },
  ],
};
export default config;

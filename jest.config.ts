import type { Config } from "jest";

/** TypeScript is compiled to CommonJS for tests; what runs in production is the same files, with their types stripped by Node. */
const config: Config = {
  testEnvironment: "node",
  transform: { "^.+\\.tsx?$": ["@swc/jest", { jsc: { target: "es2023", parser: { syntax: "typescript", tsx: false } }, module: { type: "commonjs" } }] },
  testMatch: ["**/*.spec.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/"],
  moduleNameMapper: { "^@confab/(contracts|sdk)$": "<rootDir>/$1/index.ts", "^@confab/(contracts|mixins|sdk)/(.*)$": "<rootDir>/$1/$2" },
};
export default config;

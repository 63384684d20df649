// Where the real parts of this run are. They are started once, by global.setup.ts.

function given(variable: string): string {
  const value = process.env[variable];
  if (!value)
    throw new Error(process.env["TEST_PARTS_MISSING"] ?? `${variable} is not set: this test belongs to the project "full"`);
  return value;
}

export const rabbitUrl = (): string => given("TEST_RABBIT_URL");
export const redisUrl = (): string => given("TEST_REDIS_URL");

/** The address of one database on the run's replica set. */
export function mongoUrl(database: string): string {
  const [, server, query = ""] = /^([^:]+:\/\/[^/]+)(?:\/[^?]*)?(\?.*)?$/.exec(given("TEST_MONGO_URL"))!;
  return `${server}/${database}${query}`;
}

/** Tests that need the real parts. Without them: skipped, which the summary says loudly; in CI a failure. */
export function describeCluster(name: string, tests: () => void): void {
  const missing = process.env["TEST_PARTS_MISSING"];
  if (!missing) {
    describe(name, tests);
  } else if (process.env["CI"]) {
    describe(name, () => {
      test("has the real parts that it needs", () => {
        throw new Error(missing);
      });
    });
  } else {
    describe.skip(name, tests);
  }
}

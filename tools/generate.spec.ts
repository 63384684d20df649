import { join } from "node:path";
import { findStale } from "./generate.ts";

test("what is derived from the code is as the code says", async () => {
  expect([...(await findStale(join(__dirname, ".."))).keys()]).toEqual([]);
});

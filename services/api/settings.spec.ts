import { settings } from "./settings.ts";

test.each([
  ["https://app.example.com", 0],
  ["https://app.example.com, http://localhost:5173", 0],
  ["*", 1],
  ["https://app.example.com/", 1],
  ["app.example.com,https://b.example.com/path", 2],
])("CORS_ORIGINS takes whole origins: %s", (CORS_ORIGINS, faults) => {
  expect(settings.check({ CORS_ORIGINS }).faults.map(({ name }) => name)).toEqual(Array<string>(faults).fill("CORS_ORIGINS"));
});

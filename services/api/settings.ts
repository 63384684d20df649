import { edgeSettings } from "@confab/mixins/edge.ts";
import { limitSettings } from "@confab/mixins/limits.ts";
import { declareSettings, joinSettings, list } from "@confab/mixins/settings.ts";

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;

const apiSettings = declareSettings(
  "api",
  { CORS_ORIGINS: list({ about: "Origins whose pages may call REST from a browser, such as https://app.example.com.", default: [] }) },
  ({ CORS_ORIGINS }) =>
    CORS_ORIGINS.filter((origin) => !isOrigin(origin)).map((origin) => ({
      name: "CORS_ORIGINS",
      wanted: `names ${origin}; each must be scheme, host and port only, such as https://app.example.com`,
    })),
);

export const settings = joinSettings(edgeSettings, limitSettings, apiSettings);
export type ApiSettings = ReturnType<typeof settings.read>;

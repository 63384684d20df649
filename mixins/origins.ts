import type { IncomingMessage } from "node:http";
import { declareSettings, list } from "./settings.ts";

const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;

/** Which pages of other origins may talk to this node, by REST or by socket. */
export const originSettings = declareSettings(
  "origins",
  {
    CORS_ORIGINS: list({
      about: "Origins whose pages may call REST and open sockets from a browser, such as https://app.example.com.",
      default: [],
    }),
  },
  ({ CORS_ORIGINS }) =>
    CORS_ORIGINS.filter((origin) => !isOrigin(origin)).map((origin) => ({
      name: "CORS_ORIGINS",
      wanted: `names ${origin}; each must be scheme, host and port only, such as https://app.example.com`,
    })),
);

/** Browsers always name the origin of the page that opens a socket; other programs name none. */
export function mayConnect({ headers }: IncomingMessage, origins: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || origins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

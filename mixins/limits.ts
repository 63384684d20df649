import type { Limits } from "@confab/contracts";
import { declareSettings, integer, type Values } from "./settings.ts";

/** The limits that several services keep and that clients are told of. */
export const limitSettings = declareSettings("limits", {
  MAX_TEXT: integer({ about: "Longest message, in characters.", default: 8000, min: 1, max: 65_536 }),
  MAX_MEMBERS: integer({ about: "Most members of a chat.", default: 1000, min: 2, max: 1001 }),
  MAX_BODY: integer({ about: "Largest request body or socket message, in bytes.", default: 65_536, min: 1024 }),
});

export function presentLimits(settings: Values<typeof limitSettings.declarations>): Limits {
  return { maxText: settings.MAX_TEXT, maxMembers: settings.MAX_MEMBERS, maxBody: settings.MAX_BODY, maxPage: 100 };
}

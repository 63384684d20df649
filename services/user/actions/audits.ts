import { define } from "@confab/mixins/define.ts";
import { badField } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { presentAct } from "../present.ts";
import type { UserService } from "../service.ts";

export const audits = {
  // The one look that is no act: it would be in its own way.
  ...define("user.audit.list", async function (this: UserService, ctx) {
    const { by, target, limit = 50, cursor } = ctx.params;
    const before = cursor === undefined ? undefined : readPlace(cursor);
    const filter = { ...(by === undefined ? {} : { by }), ...(target === undefined ? {} : { target }) };
    const found = await this.store.admin.actsBefore(filter, limit, before);
    return { items: found.map(presentAct), nextCursor: writePlace(found, limit) };
  }),

  ...define("user.audit.note", async function (this: UserService, ctx) {
    const { details, ...act } = ctx.params;
    await this.store.admin.noteAct({ _id: uuid(), at: Date.now(), ...act, details: JSON.stringify(details) });
    return null;
  }),
};

/** Where a list of what has UUIDv7s goes on, the latest first. */
export const writePlace = (found: readonly { _id: string }[], limit: number): string | null =>
  found.length < limit ? null : Buffer.from(found.at(-1)!._id).toString("base64url");

export function readPlace(cursor: string): string {
  const id = Buffer.from(cursor, "base64url").toString();
  if (!/^[0-9a-f-]{36}$/.test(id)) throw badField("cursor", "cursor", "is not one that this list gave out");
  return id;
}

import type { Export } from "@confab/contracts";
import { define } from "@confab/mixins/define.ts";
import { isProblem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { requireRecent, requireSession } from "../accounts.ts";
import { isTokenOf, pathOfExport, type ExportingService } from "../exporting.ts";
import { presentTime } from "../present.ts";
import type { StoredExport } from "../store/people.store.ts";

const day = 86_400_000;

export const exports = {
  ...define("user.export.begin", async function (this: ExportingService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    const { people } = this.store;
    const { language } = ctx.meta;
    const now = Date.now();
    const known = await people.exportOf(user._id);
    if (known && isFresh(known, now)) return presentExport(this, known);
    const begun: StoredExport = {
      ...{ _id: uuid(), userId: user._id, requestedAt: now, state: "preparing", leasedUntil: 0 },
      ...(language ? { language } : {}),
      // One that cannot be made is not tried for ever.
      expiresAt: now + this.settings.EXPORT_DAYS * day,
    };
    const isFirst = await people.beginExport(begun, known?._id);
    void this.exporter?.look();
    return presentExport(this, isFirst ? begun : ((await people.exportOf(user._id)) ?? begun));
  }),

  ...define("user.export.get", async function (this: ExportingService, ctx) {
    const { user } = await requireSession(this, ctx.meta);
    const isRecent = await requireRecent(this, ctx.meta).then(
      () => true,
      (err: unknown) => {
        if (isProblem(err, "user.recent_sign_in_required")) return false;
        throw err;
      },
    );
    const known = await this.store.people.exportOf(user._id);
    if (!known || known.expiresAt <= Date.now())
      return { state: "none", requestedAt: null, expiresAt: null, bytes: null, url: null };
    const shown = presentExport(this, known);
    return isRecent ? shown : { ...shown, url: null };
  }),

  ...define("user.export.read", async function (this: ExportingService, ctx) {
    const { exportId, token, part } = ctx.params;
    if (!isTokenOf(this, exportId, token)) return null;
    const { people } = this.store;
    const found = await people.exportById(exportId);
    if (!found || found.state !== "ready" || found.expiresAt <= Date.now()) return null;
    const stored = await people.partOf(found, part);
    return stored ? { base64: stored.base64, parts: found.parts!, bytes: found.bytes! } : null;
  }),
};

/** Whether it answers a wish for one as well as a new one would. */
const isFresh = ({ state, readyAt = 0, expiresAt }: StoredExport, now: number) =>
  expiresAt > now && (state === "preparing" || readyAt > now - day);

/** For whoever has just signed in. */
function presentExport(service: ExportingService, { _id, state, requestedAt, expiresAt, bytes }: StoredExport): Export {
  const isReady = state === "ready";
  return {
    state,
    requestedAt: presentTime(requestedAt),
    expiresAt: isReady ? presentTime(expiresAt) : null,
    bytes: bytes ?? null,
    url: isReady ? pathOfExport(service, _id) : null,
  };
}

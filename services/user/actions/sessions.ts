import { broadcast, define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { judgeRefresh, limitsOfLife, noteUse } from "../policies.ts";
import type { UserService } from "../service.ts";
import type { StoredSession } from "../store/documents.ts";
import { hashToken, isSame, makeRefreshToken, readRefreshToken, signAccessToken } from "../tokens.ts";

export const sessions = {
  ...define("user.session.refresh", async function (this: UserService, ctx) {
    const { refreshToken } = ctx.params;
    const claim = readRefreshToken(refreshToken);
    let session = claim ? await this.store.sessionById(claim.sessionId) : null;
    while (claim && session) {
      const now = Date.now();
      const { generation } = session;
      const make = (generation: number) =>
        makeRefreshToken(this.keys, { sessionId: claim.sessionId, nonce: session!.nonce }, generation);
      // The current one is known by its hash, so that it outlives a change of the signing key.
      const current = isSame(session.tokenHash, hashToken(refreshToken));
      const genuine = isSame(make(claim.generation), refreshToken);
      const grace = this.settings.REFRESH_GRACE_SECONDS * 1000;
      const verdict = judgeRefresh(
        session,
        { generation: claim.generation, current, genuine },
        limitsOfLife(this.settings, now),
        { now, grace },
      );

      if (verdict === "refused") break;
      if (verdict === "repeat") return presentTokens(this, session, make(generation));
      if (verdict === "reused") {
        this.logger.warn("A replaced refresh token was used again: its session is ended", {
          sessionId: session._id,
          userId: session.userId,
        });
        await endSession(this, session);
        break;
      }
      const next = make(generation + 1);
      const rotated = await this.store.rotateSession(session, {
        tokenHash: hashToken(next),
        rotatedAt: now,
        lastUsedAt: noteUse(session.lastUsedAt, now),
      });
      if (rotated) return presentTokens(this, rotated, next);
      // Another use of the same token was first, or the session has just ended.
      session = await this.store.latestSession(claim.sessionId);
    }
    throw problem("user.bad_refresh_token");
  }),

  ...define("user.session.end", async function (this: UserService, ctx) {
    const { userId, sessionId } = ctx.meta;
    if (!sessionId) throw problem("unauthenticated");
    await endSession(this, { _id: sessionId, userId });
    return null;
  }),

  ...define("user.session.check", async function (this: UserService, ctx) {
    return { alive: await this.store.aliveSessions(ctx.params.sessionIds, limitsOfLife(this.settings, Date.now())) };
  }),
};

/** Told also where it had ended before: whoever ended it may have died before telling. */
async function endSession(
  service: UserService,
  { _id: sessionId, userId }: Pick<StoredSession, "_id" | "userId">,
): Promise<void> {
  // G6: the store holds the end before anybody hears of it.
  await service.store.endSession(sessionId, userId, Date.now());
  broadcast(service.broker, "user.session.ended", { userId, sessionId });
}

/** The pair that a session's holder gets. */
export function presentTokens(service: UserService, session: Pick<StoredSession, "_id" | "userId">, refreshToken: string) {
  const expiresIn = service.settings.ACCESS_MINUTES * 60;
  const accessToken = signAccessToken(service.keys, { userId: session.userId, sessionId: session._id }, expiresIn);
  return { accessToken, refreshToken, expiresIn };
}

import type { Session } from "@confab/contracts";
import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { endOtherSessions, endSession, endSessions, requireSession } from "../accounts.ts";
import { isAlive, judgeRefresh, limitsOfLife, noteUse } from "../policies.ts";
import { presentTime } from "../present.ts";
import type { UserService } from "../service.ts";
import { presentTokens } from "../signing-in.ts";
import type { StoredSession } from "../store/documents.ts";
import { hashToken, isSame, makeRefreshToken, readRefreshToken } from "../tokens.ts";

export const sessions = {
  ...define("user.session.refresh", async function (this: UserService, ctx) {
    const { refreshToken } = ctx.params;
    const claim = readRefreshToken(refreshToken);
    let session = claim ? await this.store.sessionById(claim.sessionId) : null;
    const user = session ? await this.store.userById(session.userId) : null;
    while (claim && session && user) {
      const now = Date.now();
      const { generation, nonce, _id: sessionId } = session;
      const make = (key: UserService["keys"]["all"][number], generation: number) =>
        makeRefreshToken(key, { sessionId, nonce }, generation);
      // The current one is known by its hash, so that it outlives any change of the signing key.
      const current = isSame(session.tokenHash, hashToken(refreshToken));
      const genuine = this.keys.all.some((key) => isSame(make(key, claim.generation), refreshToken));
      const verdict = judgeRefresh(
        session,
        { generation: claim.generation, current, genuine },
        {
          alive: isAlive(session, user, limitsOfLife(this.settings, now), now),
          now,
          grace: this.settings.REFRESH_GRACE_SECONDS * 1000,
        },
      );

      if (verdict === "refused") break;
      if (verdict === "repeat") {
        // Under whichever key it was made.
        const { tokenHash } = session;
        const successor = this.keys.all.map((key) => make(key, generation)).find((token) => isSame(hashToken(token), tokenHash));
        if (successor === undefined) break;
        return presentTokens(this, session, successor);
      }
      if (verdict === "reused") {
        this.logger.warn("A replaced refresh token was used again: its session is ended", { sessionId, userId: session.userId });
        await endSession(this, session);
        break;
      }
      const next = make(this.keys, generation + 1);
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

  ...define("user.session.list", async function (this: UserService, ctx) {
    const { userId, sessionId } = ctx.meta;
    const alive = await aliveSessionsOf(this, userId);
    const latestFirst = alive.sort((a, b) => b.lastUsedAt - a.lastUsedAt || b.createdAt - a.createdAt);
    return { items: latestFirst.map((session) => presentSession(session, sessionId)) };
  }),

  // Somebody else's, one that has ended and one that never was answer alike.
  ...define("user.session.remove", async function (this: UserService, ctx) {
    const alive = await aliveSessionsOf(this, ctx.meta.userId);
    const session = alive.find(({ _id }) => _id === ctx.params.sessionId);
    if (!session) throw problem("user.session_not_found");
    await endSession(this, session);
    return null;
  }),

  ...define("user.session.removeAll", async function (this: UserService, ctx) {
    const { userId, sessionId } = ctx.meta;
    if (!sessionId) throw problem("unauthenticated");
    if (!ctx.params.others) await endSessions(this, userId);
    // Where others were ended meanwhile it may have been this one, or this one may have asked twice.
    else while (!(await endOtherSessions(this, await requireSession(this, ctx.meta))));
    return null;
  }),

  ...define("user.session.check", async function (this: UserService, ctx) {
    const now = Date.now();
    return { alive: await this.store.aliveSessions(ctx.params.sessionIds, limitsOfLife(this.settings, now), now) };
  }),
};

async function aliveSessionsOf({ store, settings }: UserService, userId: string): Promise<StoredSession[]> {
  const now = Date.now();
  const [user, found] = await Promise.all([store.userById(userId), store.sessionsOf(userId)]);
  return user ? found.filter((session) => isAlive(session, user, limitsOfLife(settings, now), now)) : [];
}

const presentSession = ({ _id, device, address, createdAt, lastUsedAt }: StoredSession, current?: string): Session => ({
  ...{ id: _id, device, address },
  ...{ createdAt: presentTime(createdAt), lastUsedAt: presentTime(lastUsedAt), current: _id === current },
});

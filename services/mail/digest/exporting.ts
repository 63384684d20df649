import type { Result } from "@confab/contracts";
import type { DigestStore } from "../store/digest.store.ts";

/** What is held of somebody so that nothing is mailed to them twice: one record, where there is anything. */
export async function exportTold(store: DigestStore, userId: string): Promise<Result<"mail.person.export">["records"]> {
  const [pending, told] = await Promise.all([store.pendingOf(userId), store.toldOf(userId)]);
  if (!pending && !told) return [];
  const record = {
    toldUpTo: told?.told ?? {},
    digestAt: timeOf(told?.digestAt),
    notifiedAt: timeOf(told?.notifiedAt),
    untoldSince: timeOf(pending?.firstAt),
  };
  return [{ file: "told", record }];
}

const timeOf = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());

import type { Meta } from "@confab/mixins/define.ts";
import { enclosing } from "@confab/mixins/outbox.ts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { hashCode, newCode } from "./codes.ts";
import { takeCode } from "./guard.ts";
import type { Notice } from "./mails.ts";
import type { UserService } from "./service.ts";
import type { FlowPurpose, StoredFlow } from "./store/documents.ts";
import { isSame } from "./tokens.ts";

interface Wanted extends Pick<StoredFlow, "userId" | "name" | "passwordHash"> {
  purpose: FlowPurpose;
  email: string;
  /** The mail that carries the code; or the one that goes out in its place, and then no code is good. */
  mail: { code: "code" | "register-code" | "reset-code" | "email-code" } | { instead: "known-address" | "unknown-address" };
}

/**
 * Begins a flow: mails a code that is to come back, or something in its place where it must not be told that there is
 * nothing to do. Either way one flow is stored with one mail in it, and the answer is the same.
 */
export async function beginFlow(service: UserService, meta: Meta, { purpose, email, mail, ...rest }: Wanted) {
  await takeCode(service, email, meta);
  const minutes = service.settings.CODE_MINUTES;
  const flowId = uuid();
  const code = newCode();
  const isVoid = "instead" in mail;
  const notice: Notice = isVoid ? { template: mail.instead, data: {} } : { template: mail.code, data: { code, minutes } };
  // To the address as it is compared: whoever reads the mail is who signs in.
  const enclosed = service.outbox.enclose("flows", flowId, { ...notice, to: email, language: meta.language });
  const flow: StoredFlow = {
    ...{ _id: flowId, purpose, email, codeHash: hashCode(service.keys, flowId, code), tries: 0 },
    expiresAt: Date.now() + minutes * 60_000,
    ...rest,
    ...(isVoid ? { void: true as const } : {}),
    // G5: the mail is there as soon as the flow is.
    ...enclosing(enclosed),
  };
  await service.store.startFlow(flow);
  await service.outbox.handOver("flows", flow);
  return { flowId, expiresIn: minutes * 60 };
}

/**
 * The flow that a code is right for, not used up yet. The try is counted before the code is looked at, and whatever
 * is wrong answers alike: the code, the time, the purpose, a flow that never was.
 */
export async function requireCode(
  { store, settings, keys }: UserService,
  { flowId, code }: { flowId: string; code: string },
  purposes: readonly FlowPurpose[],
): Promise<StoredFlow> {
  const flow = await store.countTry(flowId, settings.CODE_TRIES, Date.now());
  const hashes = keys.all.map((one) => hashCode(one, flowId, code));
  const isRight = hashes.some((hash) => isSame(flow?.codeHash ?? hash.replace(/^./, "~"), hash));
  if (!flow || !isRight || flow.void || !purposes.includes(flow.purpose ?? "code")) throw problem("user.wrong_code");
  return flow;
}

/** Uses a flow up, which only the first does. */
export async function useFlow({ store }: UserService, { _id }: StoredFlow): Promise<void> {
  if (!(await store.useFlow(_id, Date.now()))) throw problem("user.wrong_code");
}

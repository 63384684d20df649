/* How long tests wait, computed from what the services declare, so that a test never waits less than a service may take. */
import { scanLeaseMs } from "../../services/mail/digest/scanner.ts";
import { retryMs as tellAgainMs, tellLeaseMs } from "../../services/mail/digest/teller.ts";
import { growingPauses, leaseMs } from "../../services/mail/queue/queue.ts";
import { overdueMs, relayMs } from "../../services/mail/queue/rabbit.queue.ts";
import { settings as mailSettings } from "../../services/mail/settings.ts";
import { lookEvery as erasureLookMs, settleMs } from "../../services/user/erasing.ts";
import { lookEvery as archiveLookMs, retryMs as archiveAgainMs } from "../../services/user/exporting.ts";

/** What a busy machine may add to a limit. */
const machineMs = 30_000;

/** The mail of a worker that was killed: its lease ends, then the relay finds the job, at the latest. */
export const mailOfKilledMs = leaseMs + overdueMs + 1.5 * relayMs + machineMs;

/** A mail whose first tries failed, after the pauses before so many tries, the last of which a worker may not survive. */
export const mailAfterTriesMs = (
  tries: number,
  firstPauseMs = mailSettings.read({ NODE_ENV: "test" }).MAIL_RETRY_SECONDS * 1000,
) => growingPauses(tries, firstPauseMs).reduce((sum, pause) => sum + pause, 0) + mailOfKilledMs;

/** A digest that killed nodes were to decide: the leases of the scan and of the reader end, and a service may not have answered. */
export const digestOfKilledMs = (everyMs: number) => scanLeaseMs(everyMs) + tellLeaseMs + tellAgainMs + 2 * everyMs + machineMs;

/** An erasure without grace, also where the node that was to begin it is gone: then the next look of any node finds it. */
export const erasedMs = settleMs + erasureLookMs + machineMs;

/** An archive, also where a service did not answer at the first try. */
export const archiveMs = archiveLookMs + archiveAgainMs + machineMs;

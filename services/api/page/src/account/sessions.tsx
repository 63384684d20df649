import type { Session } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { confirm } from "../parts/confirm.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { ago, fullTimeOf } from "../time.ts";
import { deviceOf } from "./device.ts";

/** Where one is signed in. */
export function Sessions() {
  const { busy, error, run } = useAttempt();
  const [sessions, setSessions] = useState<readonly Session[]>();
  const load = async () => setSessions((await client.call("user.session.list", {})).items);
  useEffect(() => run(load), []);
  const end = (sessionId: string) =>
    run(async () => {
      await client.call("user.session.remove", { sessionId }).finally(load);
    });
  const endOthers = () =>
    confirm({
      title: "Sign out everywhere else?",
      text: "All devices but this one are signed out within two seconds.",
      yes: "Sign them out",
      run: async () => {
        await client.call("user.session.removeAll", { others: true });
        await load();
      },
    });
  return (
    <Dialog title="Devices" testid="sessions-dialog">
      <ul class="sessions" aria-busy={!sessions}>
        {sessions?.map(({ id, device, address, createdAt, lastUsedAt, current }) => (
          <li key={id} data-testid="session" data-current={current}>
            <span class="grow" title={device}>
              <b>{deviceOf(device)}</b> {current && <span class="role">this one</span>}
              <small class="quiet">
                Last used {ago(lastUsedAt)}, signed in {fullTimeOf(createdAt)}
                {address && ` from ${address}`}
              </small>
            </span>
            {!current && (
              <button type="button" class="plain slim" data-testid="session-end" disabled={busy} onClick={() => end(id)}>
                Sign out
              </button>
            )}
          </li>
        ))}
      </ul>
      <Problem words={error} />
      {sessions && sessions.length > 1 && (
        <div class="dialog-buttons">
          <button type="button" class="danger" data-testid="sessions-end-others" disabled={busy} onClick={endOthers}>
            Sign out all others …
          </button>
        </div>
      )}
    </Dialog>
  );
}

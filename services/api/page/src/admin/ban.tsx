import type { AdminUser } from "@confab/contracts";
import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { closeDialog } from "../layers.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { lasting } from "../time.ts";

const day = 86_400;
const times = [day, 7 * day, 30 * day, 365 * day];

interface Props {
  userId: string;
  name: string;
  onDone: (user: AdminUser) => void;
}

/** Closes an account, for good or for a time. */
export function Ban({ userId, name, onDone }: Props) {
  const { busy, error, run } = useAttempt();
  const [reason, setReason] = useState("");
  const [seconds, setSeconds] = useState(0);
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const until = seconds ? new Date(Date.now() + seconds * 1000).toISOString() : null;
      onDone(await client.call("user.admin.ban", { userId, reason: reason.trim(), until }));
      closeDialog();
    });
  };
  return (
    <Dialog title={`Ban ${name}?`} testid="ban-dialog">
      <form class="stack" onSubmit={submit}>
        <p class="quiet">They are signed out everywhere within two seconds, and cannot sign in.</p>
        <label for="ban-reason">Why</label>
        <textarea
          id="ban-reason"
          data-testid="ban-reason"
          rows={3}
          maxLength={1000}
          required
          autofocus
          placeholder="For the other administrators"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <label class="select">
          For how long
          <select
            value={String(seconds)}
            data-testid="ban-time"
            onChange={(event) => setSeconds(Number(event.currentTarget.value))}
          >
            <option value="0">for good</option>
            {times.map((time) => (
              <option key={time} value={String(time)}>
                {lasting(time)}
              </option>
            ))}
          </select>
        </label>
        <Problem words={error} />
        <div class="dialog-buttons">
          <button type="button" class="plain" onClick={closeDialog}>
            Cancel
          </button>
          <button class="danger" data-testid="ban-go" disabled={busy}>
            Ban
          </button>
        </div>
      </form>
    </Dialog>
  );
}

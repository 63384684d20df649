import { useState } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { closeDialog, tell } from "../layers.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field, NewPassword } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { recently } from "../parts/recent.tsx";

export function PasswordChange() {
  const hasPassword = useClient((state) => state.user?.hasPassword);
  const { busy, error, fields, run } = useAttempt(["password", "current"]);
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const change = () => client.call("user.password.change", { password, ...(hasPassword ? { current } : {}) });
      await (hasPassword ? change() : recently(change));
      closeDialog();
      tell("Your password is changed. All other devices are signed out.");
    });
  };
  return (
    <Dialog title={hasPassword ? "Change your password" : "Set a password"} testid="password-dialog">
      <form class="stack" onSubmit={submit}>
        <p class="quiet">All your other devices are signed out by it.</p>
        {hasPassword && (
          <Field
            type="password"
            autocomplete="current-password"
            maxLength={128}
            label="Current password"
            id="current-password"
            focus
            value={current}
            error={fields["current"]}
            onInput={setCurrent}
          />
        )}
        <NewPassword
          label="New password"
          id="new-password"
          focus={!hasPassword}
          value={password}
          error={fields["password"]}
          onInput={setPassword}
        />
        <Problem words={error} />
        <div class="dialog-buttons">
          <button class="primary" data-testid="save-password" disabled={busy}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

import { ApiProblem } from "@confab/sdk";
import { useEffect, useState } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { clearLayers, closeDialog, openDialog } from "../layers.tsx";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { act, Problem, Rejection, useAttempt } from "./form.tsx";
import { useSecondFactor } from "./second-factor.tsx";

/** Does something that may want a recent sign-in: then the password is asked for, and it is done again. */
export async function recently<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (err) {
    if (!(err instanceof ApiProblem) || err.code !== "user.recent_sign_in_required") throw err;
    await new Promise<void>((resolve, reject) => {
      const left = () => reject(new Rejection("That wants a recent sign-in first."));
      openDialog(<Again onDone={resolve} onLeft={left} />);
    });
    return run();
  }
}

function Again({ onDone, onLeft }: { onDone: () => void; onLeft: () => void }) {
  const me = useClient((state) => state.user);
  const { busy, error, fields, run } = useAttempt(["password", "totp"]);
  const [password, setPassword] = useState("");
  const second = useSecondFactor();
  useEffect(() => onLeft, []);
  if (!me?.hasPassword)
    return (
      <Dialog title="Sign in once more" testid="recent">
        <p>For that you need to have signed in just now. Sign out, come back by a code, and do it again.</p>
        <div class="dialog-buttons">
          <button type="button" class="plain" onClick={closeDialog}>
            Not now
          </button>
          <button
            type="button"
            class="primary"
            onClick={() => {
              clearLayers();
              act(client.signOut());
            }}
          >
            Sign out
          </button>
        </div>
      </Dialog>
    );
  const submit = (event: Event) => {
    event.preventDefault();
    run(() =>
      second.run(async (given) => {
        await client.call("user.session.confirm", { password, ...given });
        onDone();
        closeDialog();
      }),
    );
  };
  return (
    <Dialog title="Is it you?" testid="recent">
      <form class="stack" onSubmit={submit}>
        <p class="quiet">You signed in a while ago. For this, give your password once more.</p>
        <Field
          type="password"
          autocomplete="current-password"
          maxLength={128}
          label="Password"
          id="recent-password"
          focus
          value={password}
          error={fields["password"]}
          onInput={setPassword}
        />
        {second.field(fields["totp"])}
        <Problem words={error} />
        <div class="dialog-buttons">
          <button class="primary" data-testid="recent-go" disabled={busy}>
            Go on
          </button>
        </div>
      </form>
    </Dialog>
  );
}

import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { CodeField, Mailed } from "../door/step.tsx";
import { closeDialog, tell } from "../layers.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { recently } from "../parts/recent.tsx";

/** Another address, which has to be shown to be one's own. */
export function EmailChange() {
  const { busy, error, fields, run } = useAttempt(["email", "code"]);
  const [email, setEmail] = useState("");
  const [flowId, setFlowId] = useState<string>();
  const [code, setCode] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      if (!flowId) {
        const flow = await recently(() => client.call("user.email.change", { email: email.trim() }));
        return setFlowId(flow.flowId);
      }
      await client.call("user.email.confirm", { flowId, code: code.replace(/\s/g, "") });
      closeDialog();
      tell("Your address is changed. The old one is told.");
    });
  };
  return (
    <Dialog title="Change your e-mail address" testid="email-dialog">
      <form class="stack" onSubmit={submit}>
        {flowId ? (
          <>
            <Mailed email={email} />
            <CodeField code={code} onCode={setCode} error={fields["code"]} />
          </>
        ) : (
          <>
            <p class="quiet">We mail a code to the new address, and tell the old one.</p>
            <Field
              label="New address"
              id="new-email"
              type="email"
              autocomplete="email"
              focus
              value={email}
              error={fields["email"]}
              onInput={setEmail}
            />
          </>
        )}
        <Problem words={error} />
        <div class="dialog-buttons">
          {flowId && (
            <button type="button" class="plain" onClick={() => setFlowId(undefined)}>
              Another address
            </button>
          )}
          <button class="primary" data-testid="save-email" disabled={busy}>
            {flowId ? "Change it" : "Send the code"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

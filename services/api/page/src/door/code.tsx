import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { Field } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { useSecondFactor } from "../parts/second-factor.tsx";
import type { Flow } from "./sign-in.tsx";
import { CodeField, digitsOf, EmailField, Mailed, WayLink, type StepProps } from "./step.tsx";

/** The first step of signing in by a mailed code: the address. */
export function EmailStep({ email, onEmail, onFlow, onWay }: StepProps) {
  const { busy, error, fields, run } = useAttempt(["email"]);
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const { flowId } = await client.requestCode(email.trim());
      onFlow({ id: flowId, email: email.trim(), purpose: "code" });
    });
  };
  return (
    <form onSubmit={submit}>
      <p class="lead">Sign in, or sign up: we mail you a code.</p>
      <EmailField email={email} onEmail={onEmail} error={fields["email"]} />
      <Problem words={error} />
      <button class="primary" data-testid="request-code" disabled={busy}>
        {busy ? "Sending …" : "Send the code"}
      </button>
      <div class="ways">
        <WayLink to="password" onWay={onWay}>
          Sign in with a password
        </WayLink>
      </div>
    </form>
  );
}

/** The second step, also of making an account with a password: the code. */
export function CodeStep({ flow, onBack }: { flow: Flow; onBack: () => void }) {
  const { busy, error, fields, run } = useAttempt(["code", "name", "totp"]);
  const second = useSecondFactor();
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const given = { flowId: flow.id, code: digitsOf(code), ...(name.trim() ? { name: name.trim() } : {}) };
    run(() => second.run((totp) => client.verify({ ...given, ...totp })));
  };
  return (
    <form onSubmit={submit}>
      <Mailed email={flow.email} />
      <CodeField code={code} onCode={setCode} error={fields["code"]} />
      {flow.purpose === "code" && !second.wanted && (
        <Field
          id="name"
          label="Your name"
          about="When you are new here."
          autocomplete="name"
          maxLength={100}
          optional
          error={fields["name"]}
          value={name}
          onInput={setName}
        />
      )}
      {second.field(fields["totp"])}
      <Problem words={error} />
      <button class="primary" data-testid="verify" disabled={busy}>
        {busy ? "Signing in …" : "Sign in"}
      </button>
      <button type="button" class="link" onClick={onBack}>
        Another address, or a new code
      </button>
    </form>
  );
}

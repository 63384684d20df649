import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { Field, NewPassword } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { useSecondFactor } from "../parts/second-factor.tsx";
import type { Flow } from "./sign-in.tsx";
import { CodeField, digitsOf, EmailField, Mailed, WayLink, type StepProps } from "./step.tsx";

/** Signing in by password. */
export function PasswordStep({ email, onEmail, onWay, byCode }: StepProps & { byCode: boolean }) {
  const { busy, error, fields, run } = useAttempt(["email", "totp"]);
  const second = useSecondFactor();
  const [password, setPassword] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(() => second.run((totp) => client.call("user.session.login", { email: email.trim(), password, ...totp })));
  };
  return (
    <form onSubmit={submit}>
      <p class="lead">Sign in with your password.</p>
      <EmailField email={email} onEmail={onEmail} error={fields["email"]} focus={!email} />
      <Field
        id="password"
        label="Password"
        type="password"
        autocomplete="current-password"
        maxLength={128}
        focus={email !== ""}
        value={password}
        onInput={setPassword}
      />
      {second.field(fields["totp"])}
      <Problem words={error} />
      <button class="primary" data-testid="login" disabled={busy}>
        {busy ? "Signing in …" : "Sign in"}
      </button>
      <div class="ways">
        <WayLink to="forgot" onWay={onWay}>
          Forgot the password?
        </WayLink>
        <WayLink to="register" onWay={onWay}>
          Create an account
        </WayLink>
        {byCode && (
          <WayLink to="code" onWay={onWay}>
            Mail me a code instead
          </WayLink>
        )}
      </div>
    </form>
  );
}

/** A new account with a password; the mailed code proves the address. */
export function RegisterStep({ email, onEmail, onFlow, onWay }: StepProps) {
  const { busy, error, fields, run } = useAttempt(["name", "email", "password"]);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const account = { email: email.trim(), name: name.trim(), password };
      const { flowId } = await client.call("user.account.register", account);
      onFlow({ id: flowId, email: email.trim(), purpose: "register" });
    });
  };
  return (
    <form onSubmit={submit}>
      <p class="lead">Create an account.</p>
      <Field
        id="name"
        label="Your name"
        autocomplete="name"
        maxLength={100}
        focus
        error={fields["name"]}
        value={name}
        onInput={setName}
      />
      <EmailField email={email} onEmail={onEmail} error={fields["email"]} focus={false} />
      <NewPassword id="password" label="Password" error={fields["password"]} value={password} onInput={setPassword} />
      <Problem words={error} />
      <button class="primary" data-testid="register" disabled={busy}>
        {busy ? "Sending …" : "Go on"}
      </button>
      <div class="ways">
        <WayLink to="password" onWay={onWay}>
          I have an account
        </WayLink>
      </div>
    </form>
  );
}

export function ForgotStep({ email, onEmail, onFlow, onWay }: StepProps) {
  const { busy, error, fields, run } = useAttempt(["email"]);
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const { flowId } = await client.call("user.password.forgot", { email: email.trim() });
      onFlow({ id: flowId, email: email.trim(), purpose: "reset" });
    });
  };
  return (
    <form onSubmit={submit}>
      <p class="lead">We mail you a code for a new password.</p>
      <EmailField email={email} onEmail={onEmail} error={fields["email"]} />
      <Problem words={error} />
      <button class="primary" data-testid="forgot" disabled={busy}>
        {busy ? "Sending …" : "Send the code"}
      </button>
      <div class="ways">
        <WayLink to="password" onWay={onWay}>
          Back to signing in
        </WayLink>
      </div>
    </form>
  );
}

/** The mailed code and a new password; it signs in, and all other devices out. */
export function ResetStep({ flow, onBack }: { flow: Flow; onBack: () => void }) {
  const { busy, error, fields, run } = useAttempt(["code", "password", "totp"]);
  const second = useSecondFactor();
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    const given = { flowId: flow.id, code: digitsOf(code), password };
    run(() => second.run((totp) => client.call("user.password.reset", { ...given, ...totp })));
  };
  return (
    <form onSubmit={submit}>
      <Mailed email={flow.email} />
      <CodeField code={code} onCode={setCode} error={fields["code"]} />
      <NewPassword id="password" error={fields["password"]} value={password} onInput={setPassword} />
      {second.field(fields["totp"])}
      <Problem words={error} />
      <button class="primary" data-testid="reset" disabled={busy}>
        {busy ? "Signing in …" : "Set the password and sign in"}
      </button>
      <button type="button" class="link" onClick={onBack}>
        Another address, or a new code
      </button>
    </form>
  );
}

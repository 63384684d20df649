import type { InputHTMLAttributes } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../client.ts";
import { Problem, useAttempt } from "../parts/form.tsx";

/** Signing in, in two steps: an address, then the code that was mailed to it. */
export function SignIn({ invited }: { invited: boolean }) {
  const [flow, setFlow] = useState<{ id: string; email: string }>();
  return (
    <main class="door">
      <section class="card">
        <h1>
          <Mark /> Confab
        </h1>
        {invited && <p class="invited">You are invited to a group. Sign in to join it.</p>}
        {flow ? (
          <CodeStep key={flow.id} flowId={flow.id} email={flow.email} onBack={() => setFlow(undefined)} />
        ) : (
          <EmailStep onFlow={setFlow} />
        )}
      </section>
    </main>
  );
}

function EmailStep({ onFlow }: { onFlow: (flow: { id: string; email: string }) => void }) {
  const { busy, error, run } = useAttempt();
  const [email, setEmail] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const { flowId } = await client.requestCode(email.trim());
      onFlow({ id: flowId, email: email.trim() });
    });
  };
  return (
    <form onSubmit={submit}>
      <p class="lead">Sign in, or sign up: we mail you a code.</p>
      <label for="email">E-mail address</label>
      <Focused id="email" testid="email" type="email" autocomplete="email" value={email} onInput={setEmail} />
      <Problem words={error} />
      <button class="primary" data-testid="request-code" disabled={busy}>
        {busy ? "Sending …" : "Send the code"}
      </button>
    </form>
  );
}

function CodeStep({ flowId, email, onBack }: { flowId: string; email: string; onBack: () => void }) {
  const { busy, error, run } = useAttempt();
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const inbox = useInbox(email);
  const submit = (event: Event) => {
    event.preventDefault();
    run(() => client.verify({ flowId, code: code.replace(/\s/g, ""), ...(name.trim() ? { name: name.trim() } : {}) }));
  };
  return (
    <form onSubmit={submit}>
      <p class="lead">
        We mailed a code to <b>{email}</b>.
      </p>
      {inbox && (
        <p>
          <a data-testid="inbox-link" href={inbox} target="_blank" rel="noopener">
            Open the dev inbox
          </a>
        </p>
      )}
      <label for="code">Six-digit code</label>
      <Focused id="code" testid="code" inputmode="numeric" autocomplete="one-time-code" value={code} onInput={setCode} />
      <label for="name">
        Your name <span class="quiet">when you are new here</span>
      </label>
      <input
        id="name"
        data-testid="name"
        autocomplete="name"
        maxLength={100}
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
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

/** Where the mail of a development server can be read; undefined where there is no such thing. */
function useInbox(email: string): string | undefined {
  const [inbox, setInbox] = useState<string>();
  useEffect(() => {
    const address = `/dev/inbox?to=${encodeURIComponent(email)}`;
    fetch(address, { headers: { accept: "application/json" } }).then(
      ({ ok }) => ok && setInbox(address),
      () => {},
    );
  }, [email]);
  return inbox;
}

type FieldProps = Pick<InputHTMLAttributes<HTMLInputElement>, "id" | "type" | "inputmode" | "autocomplete" | "value">;

/** A field that takes the focus when it appears. */
function Focused({ testid, onInput, ...rest }: FieldProps & { testid: string; onInput: (value: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <input
      {...(rest as object)}
      ref={field}
      data-testid={testid}
      required
      onInput={(event) => onInput(event.currentTarget.value)}
    />
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" />
      <path d="M8 10.5A2.5 2.5 0 0 1 10.5 8h11a2.5 2.5 0 0 1 2.5 2.5v7a2.5 2.5 0 0 1-2.5 2.5H15l-4.5 4v-4A2.5 2.5 0 0 1 8 17.5z" />
    </svg>
  );
}

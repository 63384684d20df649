import { useEffect, useState } from "preact/hooks";
import { Field } from "../parts/field.tsx";
import type { Flow, Way } from "./sign-in.tsx";

/** What the steps before a mailed code have in common: the address goes along from one to the other. */
export interface StepProps {
  email: string;
  onEmail: (email: string) => void;
  onFlow: (flow: Flow) => void;
  onWay: (way: Way) => void;
}

interface EmailProps extends Pick<StepProps, "email" | "onEmail"> {
  error: string | undefined;
  focus?: boolean;
}

export function EmailField({ email, onEmail, error, focus = true }: EmailProps) {
  return (
    <Field
      id="email"
      label="E-mail address"
      type="email"
      autocomplete="username"
      focus={focus}
      error={error}
      value={email}
      onInput={onEmail}
    />
  );
}

export function WayLink({ to, onWay, children }: { to: Way; onWay: (way: Way) => void; children: string }) {
  return (
    <button type="button" class="link" data-testid={`to-${to}`} onClick={() => onWay(to)}>
      {children}
    </button>
  );
}

/** Where the code went, and how to get at it. */
export function Mailed({ email }: { email: string }) {
  const inbox = useInbox(email);
  return (
    <>
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
    </>
  );
}

export function CodeField({ code, onCode, error }: { code: string; onCode: (code: string) => void; error: string | undefined }) {
  return (
    <Field
      id="code"
      label="Six-digit code"
      inputmode="numeric"
      autocomplete="one-time-code"
      focus
      error={error}
      value={code}
      onInput={onCode}
    />
  );
}

/** As people type it. */
export const digitsOf = (code: string) => code.replace(/\s/g, "");

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

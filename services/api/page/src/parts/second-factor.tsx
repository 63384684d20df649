import { ApiProblem } from "@confab/sdk";
import { useState } from "preact/hooks";
import { Field } from "./field.tsx";

/**
 * Asks for the second factor where the account has one: what is tried goes out without it at first, and again with it
 * when the server wants it.
 */
export function useSecondFactor() {
  const [wanted, setWanted] = useState(false);
  const [totp, setTotp] = useState("");
  const run = async (attempt: (second: { totp?: string }) => Promise<unknown>) => {
    try {
      await attempt(wanted ? { totp: totp.replace(/\s/g, "").toLowerCase() } : {});
    } catch (err) {
      if (!(err instanceof ApiProblem) || err.code !== "user.totp_required") throw err;
      setWanted(true);
    }
  };
  const field = (error: string | undefined) =>
    wanted && (
      <Field
        id="totp"
        label="Code of your second factor"
        autocomplete="one-time-code"
        spellcheck={false}
        about="Six digits from your authenticator, or one of your recovery codes."
        error={error}
        focus
        value={totp}
        onInput={setTotp}
      />
    );
  return { wanted, field, run };
}

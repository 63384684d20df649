import type { Result } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { renderSVG } from "uqr";
import { client, useClient } from "../client.ts";
import { CodeField } from "../door/step.tsx";
import { closeDialog, tell } from "../layers.tsx";
import { confirm } from "../parts/confirm.tsx";
import { copy } from "../parts/copy.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { recently } from "../parts/recent.tsx";

type Secret = Result<"user.totp.begin">;

export function SecondFactor() {
  const isOn = useClient((state) => state.user?.hasTotp);
  const [codes, setCodes] = useState<readonly string[]>();
  return (
    <Dialog title={codes ? "Recovery codes" : "Second factor"} testid="totp-dialog">
      {codes ? <RecoveryCodes codes={codes} /> : isOn ? <TurnOff /> : <TurnOn onCodes={setCodes} />}
    </Dialog>
  );
}

function TurnOn({ onCodes }: { onCodes: (codes: readonly string[]) => void }) {
  const { busy, error, fields, run } = useAttempt(["code"]);
  const [secret, setSecret] = useState<Secret>();
  const [code, setCode] = useState("");
  const begin = () => run(async () => setSecret(await recently(() => client.call("user.totp.begin", {}))));
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const confirmed = () => client.call("user.totp.confirm", { code: code.replace(/\s/g, "") });
      onCodes((await recently(confirmed)).recoveryCodes);
    });
  };
  if (!secret)
    return (
      <>
        <p>
          Whoever knows your password, or reads your mail, cannot sign in without your phone: an authenticator app on it shows a
          new code every half minute, which you are asked for at each sign-in.
        </p>
        <Problem words={error} />
        <div class="dialog-buttons">
          <button type="button" class="primary" data-testid="totp-begin" disabled={busy} onClick={begin}>
            Turn it on
          </button>
        </div>
      </>
    );
  return (
    <form class="stack" onSubmit={submit}>
      <p>Scan this with your authenticator app, and give the code that it shows.</p>
      <img
        class="qr"
        data-testid="totp-qr"
        alt="QR code for an authenticator app. The key below is the same, as text."
        src={`data:image/svg+xml,${encodeURIComponent(renderSVG(secret.uri, { border: 2 }))}`}
      />
      <details>
        <summary>Or type the key</summary>
        <div class="row secret">
          <code class="grow" data-testid="totp-secret">
            {secret.secret.replace(/(.{4})(?=.)/g, "$1 ")}
          </code>
          <button type="button" class="link" onClick={() => copy(secret.secret)}>
            Copy
          </button>
        </div>
      </details>
      <CodeField code={code} onCode={setCode} error={fields["code"]} />
      <Problem words={error} />
      <div class="dialog-buttons">
        <button class="primary" data-testid="totp-confirm" disabled={busy}>
          Turn it on
        </button>
      </div>
    </form>
  );
}

/** They are shown this once. */
function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const text = `${codes.join("\n")}\n`;
  const [file, setFile] = useState<string>();
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    setFile(url);
    return () => URL.revokeObjectURL(url);
  }, []);
  return (
    <>
      <p>
        The second factor is on. Without your phone, each of these signs you in once. <b>They are not shown again:</b> keep them
        where only you find them.
      </p>
      <ol class="recovery" data-testid="recovery-codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div class="dialog-buttons">
        <button type="button" class="plain" onClick={() => copy(text)}>
          Copy
        </button>
        <a class="plain" href={file} download="confab-recovery-codes.txt">
          Download
        </a>
        <button type="button" class="primary" data-testid="recovery-done" onClick={closeDialog}>
          I have kept them
        </button>
      </div>
    </>
  );
}

function TurnOff() {
  const ask = () =>
    confirm({
      title: "Turn the second factor off?",
      text: "Your password, or a mailed code, is then enough to sign in. The recovery codes are good for nothing any more.",
      yes: "Turn it off",
      run: async () => {
        await recently(() => client.call("user.totp.remove", {}));
        tell("The second factor is off.");
      },
    });
  return (
    <>
      <p>It is on: at each sign-in you are asked for the code of your authenticator app, or for a recovery code.</p>
      <div class="dialog-buttons">
        <button type="button" class="danger" data-testid="totp-off" onClick={ask}>
          Turn it off …
        </button>
      </div>
    </>
  );
}

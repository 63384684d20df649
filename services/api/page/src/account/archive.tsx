import type { Export } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { clearLayers, tell } from "../layers.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { recently } from "../parts/recent.tsx";
import { fullTimeOf } from "../time.ts";

/** Milliseconds between two looks at an archive that is being prepared. */
const lookEvery = 2000;

/** All that the server holds of one, as one file. */
export function Archive() {
  const { busy, error, run } = useAttempt();
  const [found, setFound] = useState<Export>();
  const look = async () => setFound(await client.call("user.export.get", {}));
  useEffect(() => run(look), []);
  useEffect(() => {
    if (found?.state !== "preparing") return;
    const timer = setTimeout(() => void look().catch(() => setFound({ ...found })), lookEvery);
    return () => clearTimeout(timer);
  }, [found]);
  const begin = () => run(async () => setFound(await recently(() => client.call("user.export.begin", {}))));
  // The link is shown to whoever signed in just now; asking for the archive again would make another.
  const show = () => run(() => recently(() => client.call("user.export.begin", {})).then(look));
  return (
    <Dialog title="Download all that is yours" testid="export-dialog">
      <p>
        One archive of your account, your chats with your messages, your files and your settings. It is prepared in the
        background, and its link is mailed to you as well.
      </p>
      <div role="status" aria-live="polite">
        {found?.state === "preparing" && <p data-testid="export-preparing">It is being prepared. You may close this.</p>}
        {found?.state === "ready" && (
          <p>
            It is ready{found.bytes !== null && `, ${sizeOf(found.bytes)}`}
            {found.expiresAt && `, and can be downloaded until ${fullTimeOf(found.expiresAt)}`}. Whoever has the link can read it.
          </p>
        )}
      </div>
      <Problem words={error} />
      <div class="dialog-buttons">
        {found?.state === "ready" && found.url && (
          <a class="primary" data-testid="export-link" href={found.url} download>
            Download
          </a>
        )}
        {found?.state === "ready" && !found.url && (
          <button type="button" class="primary" data-testid="export-show" disabled={busy} onClick={show}>
            Show the link
          </button>
        )}
        {found?.state === "none" && (
          <button type="button" class="primary" data-testid="export-begin" disabled={busy} onClick={begin}>
            Prepare it
          </button>
        )}
      </div>
    </Dialog>
  );
}

const sizeOf = (bytes: number) =>
  bytes < 1_048_576 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`;

export function Erasure() {
  const { busy, error, run } = useAttempt();
  const [sure, setSure] = useState(false);
  const erase = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const { eraseAt } = await recently(() => client.call("user.me.erase", {}));
      clearLayers();
      tell(`Your account will be erased on ${fullTimeOf(eraseAt)}. Signing in before then calls it off.`);
    });
  };
  return (
    <Dialog title="Erase your account" testid="erase-dialog">
      <form class="stack" onSubmit={erase}>
        <p>
          Your name, your address, your picture and your files are erased for good after some days, and you are signed out
          everywhere now. <b>Signing in before then calls it off.</b> What you wrote may stay in the chats of others, without your
          name.
        </p>
        <label class="check">
          <input
            type="checkbox"
            required
            checked={sure}
            data-testid="erase-sure"
            onChange={(event) => setSure(event.currentTarget.checked)}
          />
          I want my account to be erased.
        </label>
        <Problem words={error} />
        <div class="dialog-buttons">
          <button class="danger" data-testid="erase-go" disabled={busy || !sure}>
            Erase it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

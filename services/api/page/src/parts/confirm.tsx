import type { ComponentChildren } from "preact";
import { closeDialog, openDialog } from "../layers.tsx";
import { Dialog } from "./dialog.tsx";
import { Problem, useAttempt } from "./form.tsx";

interface Question {
  title: string;
  text: ComponentChildren;
  /** What the button says. */
  yes: string;
  run: () => Promise<unknown>;
}

/** Asks before something that cannot be taken back. */
export function confirm(question: Question): void {
  openDialog(<Confirm {...question} />);
}

function Confirm({ title, text, yes, run }: Question) {
  const attempt = useAttempt();
  return (
    <Dialog title={title} testid="confirm">
      <p>{text}</p>
      <Problem words={attempt.error} />
      <div class="dialog-buttons">
        <button type="button" class="plain" autofocus onClick={closeDialog}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          data-testid="confirm-yes"
          disabled={attempt.busy}
          onClick={() => attempt.run(() => run().then(closeDialog))}
        >
          {yes}
        </button>
      </div>
    </Dialog>
  );
}

import type { Params } from "@confab/contracts";
import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { closeDialog, openDialog, tell } from "../layers.tsx";
import { Dialog } from "./dialog.tsx";
import { Problem, useAttempt } from "./form.tsx";

type About = Pick<Params<"user.report.create">, "userId" | "chatId" | "messageId">;
type Reason = Params<"user.report.create">["reason"];

export const reasons: Record<Reason, string> = {
  spam: "Spam",
  abuse: "Insults or threats",
  illegal: "Something forbidden by law",
  other: "Something else",
};

/** Tells the administrators of a person, or of a message. */
export function report(title: string, about: About): void {
  openDialog(<Report title={title} about={about} />);
}

function Report({ title, about }: { title: string; about: About }) {
  const { busy, error, run } = useAttempt();
  const [reason, setReason] = useState<Reason>("spam");
  const [text, setText] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      await client.call("user.report.create", { ...about, reason, ...(text.trim() ? { text: text.trim() } : {}) });
      closeDialog();
      tell("Thank you. The administrators will look at it.");
    });
  };
  return (
    <Dialog title={title} testid="report">
      <form class="stack" onSubmit={submit}>
        <p class="quiet">
          The administrators of this server see your report{about.messageId ? ", with what the message says now" : ""}. The other
          person is not told.
        </p>
        <fieldset class="choices">
          <legend>What is it?</legend>
          {(Object.keys(reasons) as Reason[]).map((one) => (
            <label key={one}>
              <input type="radio" name="reason" checked={one === reason} onChange={() => setReason(one)} />
              {reasons[one]}
            </label>
          ))}
        </fieldset>
        <label for="report-text">
          Anything to add? <span class="quiet">if you like</span>
        </label>
        <textarea
          id="report-text"
          data-testid="report-text"
          rows={3}
          maxLength={2000}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <Problem words={error} />
        <div class="dialog-buttons">
          <button class="primary" data-testid="report-send" disabled={busy}>
            Send the report
          </button>
        </div>
      </form>
    </Dialog>
  );
}

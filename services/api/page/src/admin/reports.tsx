import type { Report } from "@confab/contracts";
import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { closeDialog, openDialog } from "../layers.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { act, Problem, useAttempt } from "../parts/form.tsx";
import { reasons } from "../parts/report.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { useNames } from "../people.ts";
import { hrefOf } from "../place.ts";
import { fullTimeOf } from "../time.ts";
import { Foot, usePaged } from "./paged.tsx";

type State = Report["state"];
const states: Record<State, string> = { open: "Open", resolved: "Resolved", dismissed: "Dismissed" };

/** What people have reported, and what became of it. */
export function Reports() {
  const [state, setState] = useState<State>("open");
  const found = usePaged<Report>(state, (cursor) => client.call("user.report.list", { state, ...(cursor ? { cursor } : {}) }));
  const nameOf = useNames(found.items?.flatMap(({ by, userId, closedBy }) => [by, userId, closedBy]) ?? []);
  const name = (userId: string | null) => nameOf(userId) ?? userId ?? "somebody";
  const reload = () => act(found.reload());
  return (
    <>
      <Tabs
        label="State of the reports"
        value={state}
        options={(Object.keys(states) as State[]).map((value) => ({ value, label: states[value] }))}
        onChange={setState}
      />
      <ul class="rows">
        {found.items?.map((report) => (
          <li key={report.id} class="report" data-testid="report-item">
            <p>
              <b>{reasons[report.reason]}</b>, about{" "}
              <a href={hrefOf({ admin: "users", userId: report.userId })}>{name(report.userId)}</a>
            </p>
            {report.quote !== null && <blockquote>{report.quote}</blockquote>}
            {report.text && <p>{report.text}</p>}
            <p class="quiet small-print">
              {name(report.by)}, {fullTimeOf(report.createdAt)}
            </p>
            {report.closedAt && (
              <p class="quiet small-print">
                {states[report.state]} by {name(report.closedBy)}, {fullTimeOf(report.closedAt)}
                {report.note && `: ${report.note}`}
              </p>
            )}
            <div class="row">
              {report.state === "open" ? (
                <button
                  type="button"
                  class="plain"
                  data-testid="report-close"
                  onClick={() => openDialog(<Closing report={report} onDone={reload} />)}
                >
                  Close it …
                </button>
              ) : (
                <button
                  type="button"
                  class="plain"
                  data-testid="report-reopen"
                  onClick={() =>
                    act(client.call("user.report.change", { reportId: report.id, state: "open" }).then(() => found.reload()))
                  }
                >
                  Open again
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      <Foot of={found} empty={state === "open" ? "Nothing waits for you." : "There are none."} />
    </>
  );
}

function Closing({ report, onDone }: { report: Report; onDone: () => void }) {
  const { busy, error, run } = useAttempt();
  const [note, setNote] = useState("");
  const close = (state: State) =>
    run(async () => {
      await client.call("user.report.change", { reportId: report.id, state, note: note.trim() });
      closeDialog();
      onDone();
    });
  return (
    <Dialog title="Close the report" testid="report-dialog">
      <div class="stack">
        <label for="report-note">What you found or did</label>
        <textarea
          id="report-note"
          data-testid="report-note"
          rows={3}
          maxLength={1000}
          autofocus
          placeholder="For the other administrators"
          value={note}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
        <Problem words={error} />
        <div class="dialog-buttons">
          <button type="button" class="plain" data-testid="report-dismiss" disabled={busy} onClick={() => close("dismissed")}>
            Dismiss
          </button>
          <button type="button" class="primary" data-testid="report-resolve" disabled={busy} onClick={() => close("resolved")}>
            Resolved
          </button>
        </div>
      </div>
    </Dialog>
  );
}

import type { Params, Preferences } from "@confab/contracts";
import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { closeDialog, openDialog } from "../layers.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { Icon } from "../parts/icon.tsx";
import { Switch } from "../parts/switch.tsx";

type Changes = Params<"chat.preference.change">;
type Language = NonNullable<Preferences["language"]>;

const intervals: Record<Preferences["digest"], string> = {
  now: "at once",
  "quarter-hourly": "every 15 minutes",
  hourly: "every hour",
  daily: "once a day",
  never: "never",
};
/** In themselves, for whoever reads no other. */
const languages: Record<Language, string> = { en: "English", de: "Deutsch" };

/** This browser's, where it is one that others know too. */
function ownTimeZone(): string | undefined {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return timeZone === "UTC" || Intl.supportedValuesOf("timeZone").includes(timeZone) ? timeZone : undefined;
}

/** Whoever first says something about their mails says with it where on earth that is. */
function save(preferences: Preferences, changes: Changes): Promise<unknown> {
  const timeZone = preferences.timeZone === null ? ownTimeZone() : undefined;
  return client.call("chat.preference.change", { ...(timeZone === undefined ? {} : { timeZone }), ...changes });
}

/** Which mails one gets, when, and in which language. */
export function Mails({ preferences }: { preferences: Preferences }) {
  const { busy, error, run } = useAttempt();
  const { notifications, digest, quietHours, language } = preferences;
  const change = (changes: Changes) => run(() => save(preferences, changes));
  return (
    <section aria-label="Mails">
      <h3 class="section-title">Mails</h3>
      <div class="group-box">
        <Switch
          label="Mentions and direct messages"
          about="Mailed when you are away and have not read them."
          on={notifications}
          disabled={busy}
          testid="pref-notifications"
          onChange={(on) => change({ notifications: on })}
        />
        <label class="select">
          <span class="grow">Digest of unread messages</span>
          <select
            value={digest}
            disabled={busy}
            data-testid="pref-digest"
            onChange={(event) => change({ digest: event.currentTarget.value as Preferences["digest"] })}
          >
            {Object.entries(intervals).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="entry"
          data-testid="open-quiet"
          onClick={() => openDialog(<Quiet preferences={preferences} />)}
        >
          <Icon name="clock" />
          <span class="grow">Quiet hours</span>
          <span class="quiet" data-testid="quiet-hours">
            {quietHours ? `${quietHours.from} to ${quietHours.to}` : "None"}
          </span>
          <Icon name="next" />
        </button>
        <label class="select">
          <span class="grow">Language of mails</span>
          <select
            value={language ?? ""}
            disabled={busy}
            data-testid="pref-language"
            onChange={(event) => change({ language: (event.currentTarget.value || null) as Language | null })}
          >
            <option value="">usual here</option>
            {Object.entries(languages).map(([value, label]) => (
              <option key={value} value={value} lang={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Problem words={error} />
    </section>
  );
}

/** When mails that can wait do, and by which clock. */
function Quiet({ preferences }: { preferences: Preferences }) {
  const { busy, error, run } = useAttempt();
  const [from, setFrom] = useState(preferences.quietHours?.from ?? "22:00");
  const [to, setTo] = useState(preferences.quietHours?.to ?? "07:00");
  const [timeZone, setTimeZone] = useState(preferences.timeZone ?? ownTimeZone() ?? "UTC");
  const zones = [...new Set([timeZone, "UTC", ...Intl.supportedValuesOf("timeZone")])].sort();
  const finish = (quietHours: Preferences["quietHours"]) =>
    run(async () => {
      await save(preferences, { quietHours, timeZone });
      closeDialog();
    });
  const submit = (event: Event) => {
    event.preventDefault();
    finish({ from, to });
  };
  return (
    <Dialog title="Quiet hours" testid="quiet-dialog">
      <form class="stack" onSubmit={submit}>
        <p class="quiet">Between these times no mail about messages comes; what there is to tell comes after.</p>
        <Field id="quiet-from" label="From" type="time" value={from} onInput={setFrom} focus />
        <Field id="quiet-to" label="To" type="time" value={to} onInput={setTo} />
        <label for="time-zone">Time zone</label>
        <select
          id="time-zone"
          data-testid="time-zone"
          value={timeZone}
          onChange={(event) => setTimeZone(event.currentTarget.value)}
        >
          {zones.map((zone) => (
            <option key={zone} value={zone}>
              {zone.replaceAll("_", " ")}
            </option>
          ))}
        </select>
        <Problem words={error} />
        <div class="dialog-buttons">
          {preferences.quietHours && (
            <button type="button" class="plain" data-testid="quiet-none" disabled={busy} onClick={() => finish(null)}>
              No quiet hours
            </button>
          )}
          <button class="primary" data-testid="quiet-save" disabled={busy}>
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

import type { MailRecord, Params, Result } from "@confab/contracts";
import { useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { tell } from "../layers.tsx";
import { confirm } from "../parts/confirm.tsx";
import { act, Problem, useAttempt } from "../parts/form.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { go } from "../place.ts";
import { fullTimeOf } from "../time.ts";
import { plural } from "../words.ts";
import { Foot, usePaged } from "./paged.tsx";

type State = MailRecord["state"];
const states: Record<State, string> = { dead: "Given up", waiting: "Waiting", sent: "Sent" };
const steps: Record<MailRecord["history"][number]["what"], string> = {
  accepted: "Taken into the queue",
  refused: "Tried",
  sent: "Taken by the mail server",
  dead: "Given up",
  replayed: "Sent again by an administrator",
};

/** Why somebody got no mail, or how all mails stand. */
export function Mails({ address }: { address: string | undefined }) {
  const [text, setText] = useState(address ?? "");
  const submit = (event: Event) => {
    event.preventDefault();
    const wanted = text.trim();
    go(wanted ? { admin: "mail", address: wanted } : { admin: "mail" });
  };
  return (
    <>
      <form class="row admin-find" role="search" onSubmit={submit}>
        <input
          type="search"
          data-testid="mail-address"
          aria-label="Find mails by address"
          placeholder="An address"
          autocomplete="off"
          minLength={3}
          maxLength={254}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button class="plain" data-testid="mail-find">
          Find
        </button>
      </form>
      {address === undefined ? <Queue /> : <Explained address={address} />}
    </>
  );
}

/** All mails in a state, those that were given up first. */
function Queue() {
  const [state, setState] = useState<State>("dead");
  const found = usePaged<MailRecord>(state, (cursor) => client.call("mail.admin.list", { state, ...(cursor ? { cursor } : {}) }));
  const reload = () => act(found.reload());
  return (
    <>
      <Tabs
        label="State of the mails"
        value={state}
        options={(Object.keys(states) as State[]).map((value) => ({ value, label: states[value] }))}
        onChange={setState}
      />
      {state === "dead" && found.items && found.items.length > 0 && (
        <SendAll params={{}} whose="all mails that were" onDone={reload} />
      )}
      <Records items={found.items ?? []} onChange={found.put} />
      <Foot
        of={found}
        empty={state === "dead" ? "No mail was given up." : state === "waiting" ? "No mail waits." : "There are none."}
      />
    </>
  );
}

type Explanation = Result<"mail.admin.explain">;

function Explained({ address }: { address: string }) {
  const { error, run } = useAttempt();
  const [known, setKnown] = useState<Explanation>();
  const load = async () => setKnown(await client.call("mail.admin.explain", { address }));
  useEffect(() => run(load), []);
  const look = () => act(load());
  const dead = known?.jobs.filter(({ state }) => state === "dead") ?? [];
  return (
    <>
      <Problem words={error} />
      {known && (
        <section class="findings" aria-label="What is known" data-testid="findings">
          <ul>
            {known.findings.map((finding) => (
              <li key={finding}>{finding}</li>
            ))}
          </ul>
          <div class="row">
            <button type="button" class="plain slim" data-testid="mail-look" onClick={look}>
              Look again
            </button>
            {known.refused && (
              <button
                type="button"
                class="plain slim"
                data-testid="mail-forgive"
                onClick={() => act(client.call("mail.admin.forgive", { address }).then(load))}
              >
                Forget the refusal
              </button>
            )}
          </div>
        </section>
      )}
      {dead.length > 1 && <SendAll params={{ address }} whose="all mails to this address that were" onDone={look} />}
      {known && (
        <Records
          items={known.jobs}
          onChange={(job) => setKnown({ ...known, jobs: known.jobs.map((one) => (one.id === job.id ? job : one)) })}
        />
      )}
    </>
  );
}

function Records({ items, onChange }: { items: readonly MailRecord[]; onChange: (job: MailRecord) => void }) {
  return (
    <ul class="rows">
      {items.map((job) => (
        <Record key={job.id} job={job} onChange={onChange} />
      ))}
    </ul>
  );
}

function Record({ job, onChange }: { job: MailRecord; onChange: (job: MailRecord) => void }) {
  const { id, template, address, state, acceptedAt, nextAt, reason, history, messageId } = job;
  const replay = async () => {
    onChange(await client.call("mail.admin.replay", { jobId: id }));
    tell("It is on its way.");
  };
  return (
    <li class="report" data-testid="mail-item" data-state={state}>
      <p class="mail-head">
        <span>
          <b>{template}</b> to {address || "an address that is no longer kept"}
        </span>
        <span class={`mail-state ${state === "dead" ? "bad" : "quiet"}`}>{states[state]}</span>
      </p>
      {reason && <blockquote>{reason}</blockquote>}
      <p class="quiet small-print">
        Asked for {fullTimeOf(acceptedAt)}
        {nextAt && `, next try ${fullTimeOf(nextAt)}`}
      </p>
      <details>
        <summary data-testid="mail-history">What became of it</summary>
        <ol class="steps">
          {history.map(({ at, what, answer, nextAt: next }) => (
            <li key={at + what}>
              <time dateTime={at}>{fullTimeOf(at)}</time> {steps[what]}
              {answer && <q>{answer}</q>}
              {next && <span class="quiet">, again {fullTimeOf(next)}</span>}
            </li>
          ))}
        </ol>
        <p class="quiet small-print">Message-ID {messageId}</p>
      </details>
      {state === "dead" && (
        <div class="row">
          <button type="button" class="plain slim" data-testid="mail-replay" onClick={() => act(replay())}>
            Send it again
          </button>
        </div>
      )}
    </li>
  );
}

interface SendAllProps {
  params: Params<"mail.admin.replayDead">;
  whose: string;
  onDone: () => void;
}

function SendAll({ params, whose, onDone }: SendAllProps) {
  const ask = () =>
    confirm({
      title: "Send them all again?",
      text: `This sends ${whose} given up and whose words are kept still, up to 1,000 at a time. Codes in them may be too old.`,
      yes: "Send all",
      run: async () => {
        const { replayed } = await client.call("mail.admin.replayDead", params);
        tell(replayed === 0 ? "There was none that can be sent still." : `${plural(replayed, "mail")} on the way.`);
        onDone();
      },
    });
  return (
    <div class="row send-all">
      <button type="button" class="plain slim" data-testid="mail-replay-all" onClick={ask}>
        Send all again …
      </button>
    </div>
  );
}

import type { Result, ServerKey } from "@confab/contracts";
import { useCallback, useEffect, useState } from "preact/hooks";
import { client } from "../client.ts";
import { confirm } from "../parts/confirm.tsx";
import { copy } from "../parts/copy.ts";
import { Field } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { fullTimeOf, lasting } from "../time.ts";

type Scope = ServerKey["scopes"][number];
type Made = Result<"user.serverkey.create">;

const scopes: Record<Scope, string> = {
  users: "Make users and keep them in step",
  tokens: "Sign users in",
  sessions: "Sign users out",
  chats: "Keep groups",
  messages: "Send in a member's name",
};
const day = 86_400;
const lifetimes = [30 * day, 90 * day, 365 * day];

/** The keys by which the host's own backend comes in. */
export function Keys() {
  const [items, setItems] = useState<readonly ServerKey[]>();
  const [made, setMade] = useState<Made>();
  const { error, run } = useAttempt();
  const load = useCallback(async () => setItems((await client.call("user.serverkey.list", {})).items), []);
  useEffect(() => run(load), []);
  const remove = ({ id: keyId, name }: ServerKey) =>
    confirm({
      title: `Remove the key ${name}?`,
      text: "Whoever uses it is refused within two seconds. It cannot be brought back.",
      yes: "Remove",
      run: () => client.call("user.serverkey.remove", { keyId }).then(load),
    });
  return (
    <>
      {made && <Shown made={made} onDone={() => setMade(undefined)} />}
      <ul class="rows">
        {items?.map((key) => (
          <li key={key.id} class="person" data-testid="server-key">
            <span class="grow">
              <b>{key.name}</b> <span class="quiet">{key.scopes.join(", ")}</span>
              <small class="quiet about-user">
                Made {fullTimeOf(key.createdAt)}, {key.expiresAt ? `good until ${fullTimeOf(key.expiresAt)}` : "good for ever"},{" "}
                {key.lastUsedAt ? `last used ${fullTimeOf(key.lastUsedAt)}` : "never used"}
              </small>
            </span>
            <button type="button" class="link" data-testid="key-remove" onClick={() => remove(key)}>
              Remove <span class="hidden">{key.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {items?.length === 0 && <p class="hint">There are no server keys.</p>}
      <Problem words={error} />
      <NewKey
        onMade={(key) => {
          setMade(key);
          run(load);
        }}
      />
    </>
  );
}

/** The secret, this once. */
function Shown({ made, onDone }: { made: Made; onDone: () => void }) {
  return (
    <section class="shown-key" aria-label="The new key" role="status">
      <p>
        <b>{made.name}</b> is made. This is shown once; only a hash of it is kept.
      </p>
      <div class="row">
        <input
          readOnly
          data-testid="key-secret"
          aria-label="The key"
          value={made.key}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" class="plain" onClick={() => copy(made.key)}>
          Copy
        </button>
        <button type="button" class="plain" data-testid="key-done" onClick={onDone}>
          Done
        </button>
      </div>
    </section>
  );
}

function NewKey({ onMade }: { onMade: (key: Made) => void }) {
  const { busy, error, fields, run } = useAttempt(["name"]);
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly Scope[]>([]);
  const [seconds, setSeconds] = useState(365 * day);
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const expiresAt = seconds ? { expiresAt: new Date(Date.now() + seconds * 1000).toISOString() } : {};
      onMade(await client.call("user.serverkey.create", { name: name.trim(), scopes: [...chosen], ...expiresAt }));
      setName("");
      setChosen([]);
    });
  };
  return (
    <form class="stack new-key" onSubmit={submit}>
      <h3 class="section-title">A new key</h3>
      <Field
        id="key-name"
        label="Name"
        placeholder="Whose it is"
        autocomplete="off"
        maxLength={100}
        error={fields["name"]}
        value={name}
        onInput={setName}
      />
      <fieldset class="choices">
        <legend>What it is good for</legend>
        {(Object.keys(scopes) as Scope[]).map((scope) => (
          <label key={scope}>
            <input
              type="checkbox"
              data-testid={`scope-${scope}`}
              checked={chosen.includes(scope)}
              onChange={(event) =>
                setChosen(event.currentTarget.checked ? [...chosen, scope] : chosen.filter((other) => other !== scope))
              }
            />
            {scopes[scope]}
          </label>
        ))}
      </fieldset>
      <label class="select">
        Good for
        <select value={String(seconds)} onChange={(event) => setSeconds(Number(event.currentTarget.value))}>
          {lifetimes.map((time) => (
            <option key={time} value={String(time)}>
              {lasting(time)}
            </option>
          ))}
          <option value="0">ever</option>
        </select>
      </label>
      <Problem words={error} />
      <div class="dialog-buttons">
        <button class="primary" data-testid="key-make" disabled={busy || chosen.length === 0}>
          Make the key
        </button>
      </div>
    </form>
  );
}

import { useEffect, useState } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { closeDialog } from "../layers.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { act, Problem, useAttempt } from "../parts/form.tsx";
import { Switch } from "../parts/switch.tsx";
import { learn, useNames } from "../people.ts";

/** Who one is here, what others may see of one, whom one has blocked, and the way out. */
export function Settings() {
  const me = useClient((state) => state.user);
  const preferences = useClient((state) => state.preferences);
  const { busy, error, run } = useAttempt();
  useEffect(() => {
    if (!preferences) run(() => client.call("chat.preference.get", {}));
  }, []);
  if (!me) return null;
  const change = (changes: { readReceipts?: boolean; presence?: boolean }) =>
    run(() => client.call("chat.preference.change", changes));
  return (
    <Dialog title="Settings" testid="settings">
      <NameForm key={me.id} />
      {preferences && (
        <section class="group-box">
          <Switch
            label="Read receipts"
            about="Others see how far you have read."
            on={preferences.readReceipts}
            disabled={busy}
            testid="pref-receipts"
            onChange={(readReceipts) => change({ readReceipts })}
          />
          <Switch
            label="Presence"
            about="People you share a chat with see if you are online."
            on={preferences.presence}
            disabled={busy}
            testid="pref-presence"
            onChange={(presence) => change({ presence })}
          />
        </section>
      )}
      <Problem words={error} />
      <Blocks />
      <div class="dialog-buttons">
        <button
          type="button"
          class="plain"
          data-testid="sign-out"
          onClick={() => {
            closeDialog();
            act(client.signOut());
          }}
        >
          Sign out
        </button>
      </div>
    </Dialog>
  );
}

function NameForm() {
  const me = useClient((state) => state.user)!;
  const { busy, error, run } = useAttempt();
  const [name, setName] = useState(me.name);
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => learn(await client.call("user.me.change", { name: name.trim() })));
  };
  return (
    <form class="stack" onSubmit={submit}>
      <div class="person-head">
        <Avatar id={me.id} name={name} />
        <span class="grow quiet">{me.email}</span>
      </div>
      <label for="my-name">Your name</label>
      <div class="row">
        <input
          id="my-name"
          data-testid="my-name"
          required
          maxLength={100}
          autocomplete="name"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button class="plain" data-testid="save-name" disabled={busy || !name.trim() || name.trim() === me.name}>
          Save
        </button>
      </div>
      <Problem words={error} />
    </form>
  );
}

function Blocks() {
  const blocks = [...useClient((state) => state.blocks)];
  const nameOf = useNames(blocks);
  if (blocks.length === 0) return null;
  return (
    <section aria-label="Blocked people">
      <h3 class="section-title">Blocked people</h3>
      <ul class="people">
        {blocks.map((userId) => (
          <li key={userId} class="person">
            <Avatar id={userId} name={nameOf(userId)} small />
            <span class="grow">{nameOf(userId) ?? "…"}</span>
            <button type="button" class="link" onClick={() => act(client.call("chat.block.remove", { userId }))}>
              Unblock
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

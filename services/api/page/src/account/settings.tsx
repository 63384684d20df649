import type { Params } from "@confab/contracts";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { clearLayers, closeDialog, openDialog } from "../layers.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { act, Problem, useAttempt } from "../parts/form.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { Switch } from "../parts/switch.tsx";
import { useNames } from "../people.ts";
import { go } from "../place.ts";
import { Archive, Erasure } from "./archive.tsx";
import { EmailChange } from "./email.tsx";
import { Mails } from "./mails.tsx";
import { PasswordChange } from "./password.tsx";
import { ProfileForm } from "./profile.tsx";
import { Sessions } from "./sessions.tsx";
import { SecondFactor } from "./totp.tsx";

/** Who one is here, how one signs in, what others may see of one, whom one has blocked, and the ways out. */
export function Settings() {
  const me = useClient((state) => state.user);
  if (!me) return null;
  return (
    <Dialog title="Settings" testid="settings">
      <ProfileForm key={me.id} />
      <section aria-label="Signing in">
        <h3 class="section-title">Signing in</h3>
        <div class="group-box">
          <Entry icon="shield" label="Password" about={me.hasPassword ? "Set" : "None yet"} testid="open-password">
            <PasswordChange />
          </Entry>
          <Entry icon="mention" label="E-mail" about={me.email ?? "None"} testid="open-email">
            <EmailChange />
          </Entry>
          <Entry icon="check" label="Second factor" about={me.hasTotp ? "On" : "Off"} testid="open-totp">
            <SecondFactor />
          </Entry>
          <Entry icon="person" label="Devices" testid="open-sessions">
            <Sessions />
          </Entry>
        </div>
      </section>
      <Preferences />
      <Blocks />
      <section aria-label="Your data">
        <h3 class="section-title">Your data</h3>
        <div class="group-box">
          <Entry icon="archive" label="Download all that is yours" testid="open-export">
            <Archive />
          </Entry>
          <Entry icon="trash" label="Erase your account" danger testid="open-erase">
            <Erasure />
          </Entry>
        </div>
      </section>
      <div class="dialog-buttons">
        {me.role === "admin" && (
          <button
            type="button"
            class="plain"
            data-testid="open-admin"
            onClick={() => {
              closeDialog();
              go({ admin: "users" });
            }}
          >
            Administration
          </button>
        )}
        <button
          type="button"
          class="plain"
          data-testid="sign-out"
          onClick={() => {
            clearLayers();
            act(client.signOut());
          }}
        >
          Sign out
        </button>
      </div>
    </Dialog>
  );
}

interface EntryProps {
  icon: IconName;
  label: string;
  about?: string;
  danger?: boolean;
  testid: string;
  /** The dialog that it opens. */
  children: VNode;
}

function Entry({ icon, label, about, danger, testid, children }: EntryProps) {
  return (
    <button type="button" class={`entry ${danger ? "bad" : ""}`} data-testid={testid} onClick={() => openDialog(children)}>
      <Icon name={icon} />
      <span class="grow">{label}</span>
      {about && <span class="quiet">{about}</span>}
      <Icon name="next" />
    </button>
  );
}

function Preferences() {
  const preferences = useClient((state) => state.preferences);
  const { busy, error, run } = useAttempt();
  useEffect(() => {
    if (!preferences) run(() => client.call("chat.preference.get", {}));
  }, []);
  const change = (changes: Params<"chat.preference.change">) => run(() => client.call("chat.preference.change", changes));
  return (
    <>
      <section aria-label="What others see">
        <h3 class="section-title">What others see</h3>
        {preferences && (
          <div class="group-box">
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
            <Switch
              label="Found by address"
              about="Whoever knows your exact e-mail address finds you by it."
              on={preferences.findable}
              disabled={busy}
              testid="pref-findable"
              onChange={(findable) => change({ findable })}
            />
          </div>
        )}
        <Problem words={error} />
      </section>
      {preferences && <Mails preferences={preferences} />}
    </>
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
          <li key={userId} class="person" data-testid="blocked">
            <Avatar id={userId} name={nameOf(userId)} small />
            <span class="grow">{nameOf(userId) ?? "…"}</span>
            <button
              type="button"
              class="link"
              data-testid="unblock"
              onClick={() => act(client.call("chat.block.remove", { userId }))}
            >
              Unblock <span class="hidden">{nameOf(userId)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

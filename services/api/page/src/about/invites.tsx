import type { Invite } from "@confab/contracts";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { client } from "../client.ts";
import { tell } from "../layers.tsx";
import { Field } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { linkTo } from "../place.ts";
import { fullTimeOf, lasting } from "../time.ts";
import { plural } from "../words.ts";

const day = 86_400;
const lifetimes = [3600, day, 7 * day, 30 * day, 365 * day];
const uses = [1, 10, 100];

/** Links by which people join a group: made, copied and ended. */
export function Invites({ chatId }: { chatId: string }) {
  const [items, setItems] = useState<readonly Invite[]>([]);
  const { busy, error, fields, run } = useAttempt(["email"]);
  const [expiresIn, setExpiresIn] = useState(7 * day);
  const [maxUses, setMaxUses] = useState(0);
  const [typed, setTyped] = useState("");
  const email = typed.trim();
  const load = useCallback(async () => setItems((await client.call("chat.invite.list", { chatId })).items), [chatId]);
  useEffect(() => {
    run(load);
    return client.on("chat:entry", (entry) => {
      // Somebody came by one of them.
      if (entry.chatId === chatId && entry.type === "member.added") load().catch(() => {});
    });
  }, [load]);
  const create = (event: Event) => {
    event.preventDefault();
    run(async () => {
      await client.call("chat.invite.create", {
        chatId,
        expiresIn,
        ...(maxUses ? { maxUses } : {}),
        ...(email ? { email } : {}),
      });
      if (email) tell(`The link is mailed to ${email}.`);
      setTyped("");
      await load();
    });
  };
  const revoke = (inviteId: string) =>
    run(async () => {
      await client.call("chat.invite.revoke", { chatId, inviteId });
      await load();
    });
  return (
    <section aria-label="Invitations">
      <h3 class="section-title">Invitations</h3>
      <ul class="invites">
        {items.map((invite) => (
          <InviteItem key={invite.id} invite={invite} onRevoke={() => revoke(invite.id)} />
        ))}
      </ul>
      <form class="invite-form" onSubmit={create}>
        <label class="select">
          Good for
          <select value={String(expiresIn)} onChange={(event) => setExpiresIn(Number(event.currentTarget.value))}>
            {lifetimes.map((seconds) => (
              <option key={seconds} value={String(seconds)}>
                {lasting(seconds)}
              </option>
            ))}
          </select>
        </label>
        <label class="select">
          For
          <select
            value={String(maxUses)}
            data-testid="invite-uses"
            onChange={(event) => setMaxUses(Number(event.currentTarget.value))}
          >
            <option value="0">{email ? "whoever gets the mail" : "any number of people"}</option>
            {uses.map((count) => (
              <option key={count} value={String(count)}>
                {plural(count, "person", "people")}
              </option>
            ))}
          </select>
        </label>
        <Field
          label="Mail it to"
          id="invite-email"
          type="email"
          autocomplete="off"
          placeholder="Nobody: I pass it on myself"
          optional
          value={typed}
          error={fields["email"]}
          onInput={setTyped}
        />
        <button class="plain" data-testid="create-invite" disabled={busy}>
          {email ? "Mail a link" : "Make a link"}
        </button>
      </form>
      <Problem words={error} />
    </section>
  );
}

function InviteItem({ invite, onRevoke }: { invite: Invite; onRevoke: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const copy = () => {
    field.current!.select();
    navigator.clipboard.writeText(field.current!.value).then(
      () => tell("Copied."),
      () => tell("Selected. Copy it from there."),
    );
  };
  const used = invite.maxUses === null ? `used ${plural(invite.uses, "time")}` : `used ${invite.uses} of ${invite.maxUses}`;
  return (
    <li class="invite">
      <div class="row">
        <input ref={field} readOnly data-testid="invite-link" aria-label="Link" value={linkTo({ invite: invite.code })} />
        <button type="button" class="plain" data-testid="copy-invite" onClick={copy}>
          Copy
        </button>
      </div>
      <p class="quiet small-print">
        {invite.expiresAt ? `Until ${fullTimeOf(invite.expiresAt)}` : "For good"}, {used}.{" "}
        <button type="button" class="link" data-testid="revoke-invite" onClick={onRevoke}>
          Revoke
        </button>
      </p>
    </li>
  );
}

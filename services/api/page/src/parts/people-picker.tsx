import type { Me } from "@confab/contracts";
import { useId, useState } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { learn, useNames } from "../people.ts";
import { Avatar } from "./avatar.tsx";
import { Problem, Rejection, useAttempt } from "./form.tsx";
import { Icon } from "./icon.tsx";

/** The person of an exact address. */
export async function findPerson(me: Me, email: string): Promise<string> {
  const address = email.trim();
  if (address.toLowerCase() === me.email?.toLowerCase()) throw new Rejection("That is your own address.");
  const { items } = await client.call("user.profile.find", { q: address });
  const person = items[0];
  if (!person) throw new Rejection(`Nobody is here as ${address} yet. Ask them to sign in once, then try again.`);
  learn(person);
  return person.id;
}

interface Props {
  me: Me;
  chosen: readonly string[];
  /** Who is in already. */
  except?: readonly string[];
  onChange: (chosen: readonly string[]) => void;
}

/** Chooses several people: by e-mail address, or from those one talks with already. */
export function PeoplePicker({ me, chosen, except = [], onChange }: Props) {
  const { busy, error, run } = useAttempt();
  const [text, setText] = useState("");
  const id = useId();
  const chats = useClient((state) => state.chats);
  const peers = [...chats.values()].map(({ chat }) => chat.peerId).filter((peer): peer is string => peer !== null);
  const nameOf = useNames([...peers, ...chosen]);
  const query = text.trim().toLowerCase();
  const offered = peers.filter(
    (peer) => !chosen.includes(peer) && !except.includes(peer) && (nameOf(peer) ?? "").toLowerCase().includes(query),
  );
  const add = (userId: string) => {
    if (except.includes(userId)) throw new Rejection(`${nameOf(userId) ?? "That person"} is in this group already.`);
    if (!chosen.includes(userId)) onChange([...chosen, userId]);
    setText("");
  };
  const find = () => run(async () => add(await findPerson(me, text)));
  return (
    <div class="people-picker">
      {chosen.length > 0 && (
        <ul class="chips" aria-label="Chosen people">
          {chosen.map((userId) => (
            <li key={userId} class="chip">
              {nameOf(userId) ?? "…"}
              <button
                type="button"
                aria-label={`Leave out ${nameOf(userId) ?? "this person"}`}
                onClick={() => onChange(chosen.filter((other) => other !== userId))}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <label for={id}>Add people</label>
      <div class="row">
        <input
          id={id}
          data-testid="person-email"
          type="text"
          inputmode="email"
          autocomplete="off"
          placeholder="E-mail address"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !query) return;
            event.preventDefault();
            find();
          }}
        />
        <button type="button" class="plain" data-testid="person-add" disabled={busy || !query} onClick={find}>
          Add
        </button>
      </div>
      <Problem words={error} />
      {offered.length > 0 && (
        <ul class="people" aria-label="People you talk with">
          {offered.slice(0, 6).map((peer) => (
            <li key={peer}>
              <button type="button" class="person" onClick={() => add(peer)}>
                <Avatar id={peer} name={nameOf(peer)} small />
                <span class="grow">{nameOf(peer) ?? "…"}</span>
                <Icon name="add" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

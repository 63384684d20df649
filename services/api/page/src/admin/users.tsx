import type { AdminUser, Me } from "@confab/contracts";
import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { openDialog, tell } from "../layers.tsx";
import { Avatar } from "../parts/avatar.tsx";
import { confirm } from "../parts/confirm.tsx";
import { act } from "../parts/form.tsx";
import { Icon } from "../parts/icon.tsx";
import { openMenu } from "../parts/menu.tsx";
import { learn } from "../people.ts";
import { go } from "../place.ts";
import { briefly, fullTimeOf } from "../time.ts";
import { Ban } from "./ban.tsx";
import { Foot, usePaged } from "./paged.tsx";

/** Everybody, or whom one looks for, and what an administrator can do with an account. */
export function Users({ me, userId = "" }: { me: Me; userId: string | undefined }) {
  const [text, setText] = useState(userId);
  const [query, setQuery] = useState(userId);
  const found = usePaged<AdminUser>(query, async (cursor) => {
    const page = await client.call("user.admin.find", { ...(query ? { q: query } : {}), ...(cursor ? { cursor } : {}) });
    learn(...page.items);
    return page;
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setQuery(text.trim());
  };
  return (
    <>
      <form class="row admin-find" role="search" onSubmit={submit}>
        <input
          type="search"
          data-testid="admin-query"
          aria-label="Find people by name, address or id"
          placeholder="Name, exact address, or id"
          autocomplete="off"
          maxLength={254}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button class="plain" data-testid="admin-find">
          Find
        </button>
      </form>
      <ul class="rows">
        {found.items?.map((user) => (
          <UserRow key={user.id} me={me} user={user} onChange={found.put} />
        ))}
      </ul>
      <Foot of={found} empty="Nobody is found by that." />
    </>
  );
}

interface RowProps {
  me: Me;
  user: AdminUser;
  onChange: (user: AdminUser) => void;
}

function UserRow({ me, user, onChange }: RowProps) {
  const name = user.name || "Erased account";
  return (
    <li class="person" data-testid="admin-user">
      <Avatar id={user.id} name={user.name} />
      <span class="grow">
        <b>{name}</b> {user.id === me.id && <span class="quiet">you</span>}
        <small class="quiet about-user">
          {user.email ?? user.externalId ?? "no address"}
          {user.email && !user.emailVerified && ", not verified"}, joined {briefly(user.createdAt)}
        </small>
        <State user={user} />
      </span>
      {user.role === "admin" && <span class="role">Admin</span>}
      {!user.erasedAt && (
        <button
          type="button"
          class="icon-button"
          aria-label={`What to do with ${name}`}
          data-testid="admin-user-more"
          onClick={(event) => openUserMenu(event.currentTarget, { me, user, onChange })}
        >
          <Icon name="more" />
        </button>
      )}
    </li>
  );
}

/** What is out of the ordinary with an account. */
function State({ user: { ban, eraseAt, erasedAt } }: { user: AdminUser }) {
  if (erasedAt) return <small class="quiet about-user">Erased {fullTimeOf(erasedAt)}</small>;
  return (
    <>
      {ban && (
        <small class="bad about-user" data-testid="banned-user">
          Banned {ban.until ? `until ${fullTimeOf(ban.until)}` : "for good"}
          {ban.reason && `: ${ban.reason}`}
        </small>
      )}
      {eraseAt && <small class="bad about-user">To be erased {fullTimeOf(eraseAt)}</small>}
    </>
  );
}

function openUserMenu(anchor: Element, { me, user, onChange }: RowProps): void {
  const { id: userId, name, role } = user;
  const change = (attempt: Promise<AdminUser>) => act(attempt.then(onChange));
  const isMe = userId === me.id;
  openMenu(anchor, name, [
    user.email !== null &&
      !user.emailVerified && {
        label: "Take the address for verified",
        icon: "check",
        testid: "admin-verify",
        run: () => change(client.call("user.admin.verify", { userId })),
      },
    user.email !== null && {
      label: "Mails to them",
      icon: "mention",
      testid: "admin-mails",
      run: () => go({ admin: "mail", address: user.email! }),
    },
    !isMe && {
      label: role === "admin" ? "Administrator no longer …" : "Make an administrator …",
      icon: "shield",
      testid: "admin-role",
      run: () =>
        confirm({
          title: role === "admin" ? `Take the role from ${name}?` : `Make ${name} an administrator?`,
          text:
            role === "admin"
              ? "They will no longer see people's accounts and reports."
              : "They will see all accounts and reports, and may ban people, you among them.",
          yes: role === "admin" ? "Take the role" : "Make an administrator",
          run: async () =>
            onChange(await client.call("user.admin.changeRole", { userId, role: role === "admin" ? "user" : "admin" })),
        }),
    },
    {
      label: "End all sessions …",
      icon: "leave",
      danger: true,
      testid: "admin-end-sessions",
      run: () =>
        confirm({
          title: `Sign ${name} out everywhere?`,
          text: "They can sign in again.",
          yes: "End all sessions",
          run: async () => {
            await client.call("user.admin.endSessions", { userId });
            tell(`${name} is signed out everywhere.`);
          },
        }),
    },
    user.ban
      ? {
          label: "Unban",
          icon: "check",
          testid: "admin-unban",
          run: () => change(client.call("user.admin.unban", { userId })),
        }
      : !isMe && {
          label: "Ban …",
          icon: "ban",
          danger: true,
          testid: "admin-ban",
          run: () => openDialog(<Ban userId={userId} name={name} onDone={onChange} />),
        },
  ]);
}

import type { Chat, Me, Role } from "@confab/contracts";
import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { closeDialog, openDialog } from "../layers.tsx";
import { useMembers, type ChatMember } from "../members.ts";
import { Avatar } from "../parts/avatar.tsx";
import { confirm } from "../parts/confirm.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { act, Problem, useAttempt } from "../parts/form.tsx";
import { Icon } from "../parts/icon.tsx";
import { openMenu } from "../parts/menu.tsx";
import { PeoplePicker } from "../parts/people-picker.tsx";
import { report } from "../parts/report.tsx";
import { useNames } from "../people.ts";
import { go } from "../place.ts";
import { usePresence } from "../presence.ts";
import { mayManage, mayOwn, outranks } from "../talk/rights.ts";

const roles: Record<Role, string> = { owner: "Owner", admin: "Admin", member: "" };
const order: Role[] = ["owner", "admin", "member"];

/** Who is in a group, those who lead it first. */
export function Members({ me, chat }: { me: Me; chat: Chat }) {
  const { members, more } = useMembers(chat.id);
  const nameOf = useNames(members.map(({ userId }) => userId));
  const presence = usePresence(members.slice(0, 100).map(({ userId }) => userId));
  const sorted = [...members].sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role));
  return (
    <section aria-label="Members">
      <h3 class="section-title">
        <span class="grow">Members</span>
        {mayManage(chat) && (
          <button
            type="button"
            class="link"
            data-testid="add-members"
            onClick={() => openDialog(<AddMembers me={me} chat={chat} members={members} />)}
          >
            Add people
          </button>
        )}
      </h3>
      <ul class="people">
        {sorted.map((member) => (
          <li key={member.userId} class="person" data-testid="member">
            <Avatar id={member.userId} name={nameOf(member.userId)} presence={presence.get(member.userId)} small />
            <span class="grow">
              {nameOf(member.userId) ?? "…"} {member.userId === me.id && <span class="quiet">you</span>}
            </span>
            {roles[member.role] && <span class="role">{roles[member.role]}</span>}
            {member.userId !== me.id && (
              <button
                type="button"
                class="icon-button"
                aria-label={`What to do with ${nameOf(member.userId) ?? "this member"}`}
                data-testid="member-more"
                onClick={(event) => openMemberMenu(event.currentTarget, chat, member, nameOf(member.userId) ?? "this person")}
              >
                <Icon name="more" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {more && (
        <button type="button" class="plain" onClick={() => act(more())}>
          Show more
        </button>
      )}
    </section>
  );
}

function openMemberMenu(anchor: Element, chat: Chat, { userId, role }: ChatMember, name: string): void {
  const onMember = { chatId: chat.id, userId };
  const talk = async () => {
    const { id } = await client.call("chat.chat.create", { type: "direct", memberIds: [userId] });
    await client.sync();
    go({ chatId: id });
  };
  const become = (to: Role, label: string) =>
    mayOwn(chat) &&
    role !== to && {
      label,
      icon: "shield" as const,
      testid: `make-${to}`,
      run: () => act(client.call("chat.member.change", { ...onMember, role: to })),
    };
  const over = mayManage(chat) && outranks(chat.me.role, role);
  openMenu(anchor, name, [
    { label: "Write to them alone", icon: "write", testid: "write-to", run: () => act(talk()) },
    become("owner", "Make an owner"),
    become("admin", "Make an admin"),
    become("member", "Make a plain member"),
    { label: "Report …", icon: "flag", testid: "report-person", run: () => report(`Report ${name}`, { userId }) },
    over && {
      label: "Remove from the group …",
      icon: "leave",
      danger: true,
      testid: "remove-member",
      run: () =>
        confirm({
          title: `Remove ${name}?`,
          text: "They may come back by an invitation.",
          yes: "Remove",
          run: () => client.call("chat.member.remove", onMember),
        }),
    },
    over && {
      label: "Ban …",
      icon: "ban",
      danger: true,
      testid: "ban-member",
      run: () =>
        confirm({
          title: `Ban ${name}?`,
          text: "They are removed and kept out, whatever invitation they have, until an admin lets them in again.",
          yes: "Ban",
          run: () => client.call("chat.ban.add", onMember),
        }),
    },
  ]);
}

function AddMembers({ me, chat, members }: { me: Me; chat: Chat; members: readonly ChatMember[] }) {
  const { busy, error, run } = useAttempt();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const add = () =>
    run(async () => {
      await client.call("chat.member.add", { chatId: chat.id, userIds: [...chosen] });
      closeDialog();
    });
  return (
    <Dialog title="Add people" testid="add-members-dialog">
      <PeoplePicker me={me} chosen={chosen} except={members.map(({ userId }) => userId)} onChange={setChosen} />
      <Problem words={error} />
      <div class="dialog-buttons">
        <button type="button" class="primary" data-testid="add-chosen" disabled={busy || chosen.length === 0} onClick={add}>
          Add to the group
        </button>
      </div>
    </Dialog>
  );
}

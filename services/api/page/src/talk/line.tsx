import { useNames } from "../people.ts";
import { lasting } from "../time.ts";
import { listed } from "../words.ts";
import { useTalk } from "./context.ts";
import type { LineRow } from "./rows.ts";

/** What happened in a chat besides messages, in words. */
export function LineText({ row }: { row: LineRow }) {
  const talk = useTalk();
  const { entry } = row;
  const nameOf = useNames(peopleIn(row));
  const name = (userId: string) => (userId === talk.me.id ? "You" : (nameOf(userId) ?? "Somebody"));
  const words = wordsOf(row, name);
  return (
    <p class="line" data-testid="line">
      {entry.type === "pin.added" ? (
        <button type="button" class="line-link" onClick={() => talk.jump(entry.data.seq)}>
          {words}
        </button>
      ) : (
        words
      )}
    </p>
  );
}

function peopleIn({ entry }: LineRow): string[] {
  if (entry.type === "member.added") return [entry.by, ...entry.data.members.map(({ userId }) => userId)];
  if (entry.type === "member.removed" || entry.type === "member.changed") return [entry.by, entry.data.userId];
  return [entry.by];
}

function wordsOf({ entry, before }: LineRow, name: (userId: string) => string): string {
  const by = name(entry.by);
  const object = (userId: string) => (name(userId) === "You" ? "you" : name(userId));
  switch (entry.type) {
    case "member.added": {
      const others = entry.data.members.map(({ userId }) => userId);
      if (entry.data.inviteId !== null) return `${by} joined by an invitation`;
      return `${by} added ${listed(others.map(object), 6)}`;
    }
    case "member.removed":
      if (entry.data.userId === entry.by) return `${by} left`;
      return `${by} ${entry.data.banned ? "banned" : "removed"} ${object(entry.data.userId)}`;
    case "member.changed": {
      const role = { owner: "an owner", admin: "an admin", member: "a member" }[entry.data.role];
      return `${by} made ${object(entry.data.userId)} ${role}`;
    }
    case "chat.created":
      return `${by} created the group${entry.data.title ? ` “${entry.data.title}”` : ""}`;
    case "pin.added":
      return `${by} pinned a message`;
    case "chat.changed": {
      const { title, posting, slowMode, historyFrom } = entry.data;
      const was = before?.data;
      const changes = [
        was && was.title !== title && (title ? `named the group “${title}”` : "took the group's title away"),
        was && was.posting !== posting && (posting === "all" ? "let everybody write" : "let only admins write"),
        was && was.slowMode !== slowMode && (slowMode ? `set slow mode to ${lasting(slowMode)}` : "turned slow mode off"),
        was &&
          was.historyFrom !== historyFrom &&
          (historyFrom === "all" ? "let newcomers read what was said before" : "let newcomers read from their joining on"),
      ].filter((change): change is string => Boolean(change));
      return `${by} ${changes.length > 0 ? listed(changes, 4) : "changed the group's settings"}`;
    }
  }
}

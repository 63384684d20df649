import type { ChatState } from "@confab/sdk";
import { useEffect } from "preact/hooks";
import { useMembers } from "../members.ts";
import { useNames } from "../people.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";

export interface Candidate {
  /** A member's id, or `all`. */
  id: string;
  name: string;
}

/** The beginning of a name behind an @ before the caret. */
export const mentionAt = (text: string, caret: number): string | undefined =>
  /(?:^|\s)@([^\s@]{0,40})$/u.exec(text.slice(0, caret))?.[1];

const most = 8;

/** The members whom what is being written may mean. */
export function useCandidates({ chat }: ChatState, myId: string, query: string | undefined): Candidate[] {
  const { members, more } = useMembers(chat.id);
  const asked = chat.type === "group" && query !== undefined;
  const others = members.map(({ userId }) => userId).filter((userId) => userId !== myId);
  const nameOf = useNames(asked ? others : []);
  useEffect(() => {
    if (asked && more) void more().catch(() => {});
  }, [asked, members.length]);
  if (!asked) return [];
  const begins = (name: string) =>
    name
      .toLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(query.toLowerCase()));
  const people = others.map((id) => ({ id, name: nameOf(id) ?? "" })).filter(({ name }) => name !== "");
  return [...people, { id: "all", name: "all" }].filter(({ name }) => begins(name)).slice(0, most);
}

interface Props {
  id: string;
  candidates: readonly Candidate[];
  chosen: number;
  onChoose: (candidate: Candidate) => void;
}

export const optionId = (boxId: string, at: number) => `${boxId}-${at}`;

export function MentionBox({ id, candidates, chosen, onChoose }: Props) {
  return (
    <ul id={id} class="mention-box" role="listbox" aria-label="Whom to mention" data-testid="mention-box">
      {candidates.map((candidate, at) => (
        <li
          key={candidate.id}
          id={optionId(id, at)}
          role="option"
          aria-selected={at === chosen}
          class="person"
          // The focus stays in the text.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onChoose(candidate)}
        >
          {candidate.id === "all" ? <Icon name="mention" /> : <Avatar id={candidate.id} name={candidate.name} small />}
          <span class="grow">{candidate.name}</span>
          {candidate.id === "all" && <small class="quiet">everybody here</small>}
        </li>
      ))}
    </ul>
  );
}

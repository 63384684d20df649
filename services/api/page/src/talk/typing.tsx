import type { ChatState } from "@confab/sdk";
import { useNames } from "../people.ts";
import { listed } from "../words.ts";

export function Typing({ state: { typing } }: { state: ChatState }) {
  const nameOf = useNames(typing);
  const names = typing.map((userId) => nameOf(userId) ?? "Somebody");
  return (
    <p class="typing-line" role="status" data-testid="typing">
      {names.length > 0 && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {names.length > 3 ? "Several people are" : `${listed(names)} ${names.length === 1 ? "is" : "are"}`} typing …
        </>
      )}
    </p>
  );
}

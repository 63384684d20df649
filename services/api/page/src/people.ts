import { useEffect, useState } from "preact/hooks";
import { client } from "./client.ts";

const names = new Map<string, string>();
const asking = new Map<string, Promise<string>>();

function ask(userId: string): Promise<string> {
  const running =
    asking.get(userId) ??
    client
      .call("user.profile.get", { userId })
      .then(({ name }) => name)
      .finally(() => asking.delete(userId));
  asking.set(userId, running);
  return running;
}

export function learn({ id, name }: { id: string; name: string }): void {
  names.set(id, name);
}

/** The names of these people; undefined while they are being asked for. */
export function useNames(userIds: readonly (string | null)[]): (userId: string | null) => string | undefined {
  const [, redraw] = useState(0);
  const wanted = [...new Set(userIds)].filter((id): id is string => id !== null).sort();
  const key = wanted.join();
  useEffect(() => {
    let gone = false;
    for (const id of wanted.filter((id) => !names.has(id))) {
      ask(id).then(
        (name) => {
          names.set(id, name);
          if (!gone) redraw((count) => count + 1);
        },
        () => {},
      );
    }
    return () => void (gone = true);
  }, [key]);
  return (userId) => (userId === null ? undefined : names.get(userId));
}

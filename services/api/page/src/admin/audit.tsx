import type { Act } from "@confab/contracts";
import { client } from "../client.ts";
import { useNames } from "../people.ts";
import { fullTimeOf } from "../time.ts";
import { Foot, usePaged } from "./paged.tsx";

const isId = (text: string | null): text is string => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text ?? "");

/** What administrators did, the latest first. */
export function Audit() {
  const found = usePaged<Act>("all", (cursor) => client.call("user.audit.list", cursor ? { cursor } : {}));
  const nameOf = useNames(found.items?.flatMap(({ by, target }) => [by, target].filter(isId)) ?? []);
  const name = (id: string) => nameOf(id) ?? id;
  return (
    <>
      <div class="table-box">
        <table data-testid="audit">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Who, from where</th>
              <th scope="col">What</th>
              <th scope="col">To whom</th>
            </tr>
          </thead>
          <tbody>
            {found.items?.map(({ id, at, by, address, action, target, details }) => (
              <tr key={id}>
                <td>
                  <time dateTime={at}>{fullTimeOf(at)}</time>
                </td>
                <td>
                  {name(by)} <small class="quiet">{address}</small>
                </td>
                <td>
                  <code>{action}</code>
                  {Object.keys(details).length > 0 && <small class="quiet about-user">{inWords(details)}</small>}
                </td>
                <td>{target && name(target)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Foot of={found} empty="Nothing was done yet." />
    </>
  );
}

const inWords = (details: Record<string, unknown>) =>
  Object.entries(details)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");

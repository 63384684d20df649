import type { Me } from "@confab/contracts";
import { Icon } from "../parts/icon.tsx";
import { hrefOf, type AdminView } from "../place.ts";
import { Audit } from "./audit.tsx";
import { Keys } from "./keys.tsx";
import { Mails } from "./mails.tsx";
import { Reports } from "./reports.tsx";
import { Users } from "./users.tsx";

const tabs: Record<AdminView, string> = {
  users: "People",
  reports: "Reports",
  mail: "Mails",
  audit: "Audit log",
  keys: "Server keys",
};

interface Props {
  me: Me;
  view: AdminView;
  userId: string | undefined;
  address: string | undefined;
}

/** What administrators have: the people, what is reported, the mails, what was done, and the keys of the host. */
export function Admin({ me, view, userId, address }: Props) {
  return (
    <section class="admin" aria-label="Administration" data-testid="admin">
      <header class="bar">
        <a class="icon-button back" href="#/" aria-label="Back to the chats" data-testid="admin-back">
          <Icon name="back" />
        </a>
        <h2 class="grow">Administration</h2>
        <a class="icon-button admin-close" href="#/" aria-label="Close">
          <Icon name="close" />
        </a>
      </header>
      <nav class="admin-tabs" aria-label="Administration">
        {(Object.keys(tabs) as AdminView[]).map((to) => (
          <a key={to} href={hrefOf({ admin: to })} aria-current={to === view ? "page" : undefined} data-testid={`admin-${to}`}>
            {tabs[to]}
          </a>
        ))}
      </nav>
      <div class="admin-inner scroll">
        {view === "users" && <Users key={userId} me={me} userId={userId} />}
        {view === "reports" && <Reports />}
        {view === "mail" && <Mails key={address} address={address} />}
        {view === "audit" && <Audit />}
        {view === "keys" && <Keys />}
      </div>
    </section>
  );
}

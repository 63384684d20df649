import type { Me } from "@confab/contracts";
import { useState } from "preact/hooks";
import { client } from "../client.ts";
import { closeDialog } from "../layers.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { findPerson, PeoplePicker } from "../parts/people-picker.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { go } from "../place.ts";

/** Starts a talk with one person, or a group. */
export function NewChat({ me }: { me: Me }) {
  const [kind, setKind] = useState<"direct" | "group">("direct");
  return (
    <Dialog title="New chat" testid="new-chat-dialog">
      <Tabs
        label="What to start"
        value={kind}
        options={[
          { value: "direct", label: "Person" },
          { value: "group", label: "Group" },
        ]}
        onChange={setKind}
      />
      {kind === "direct" ? <NewDirect me={me} /> : <NewGroup me={me} />}
    </Dialog>
  );
}

async function open(chatId: string): Promise<void> {
  await client.sync();
  closeDialog();
  go({ chatId });
}

function NewDirect({ me }: { me: Me }) {
  const { busy, error, run } = useAttempt();
  const [email, setEmail] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const personId = await findPerson(me, email);
      const chat = await client.call("chat.chat.create", { type: "direct", memberIds: [personId] });
      await open(chat.id);
    });
  };
  return (
    <form class="stack" onSubmit={submit}>
      <label for="new-chat">E-mail address</label>
      <input
        id="new-chat"
        data-testid="new-chat-email"
        type="email"
        required
        autofocus
        placeholder="ann@example.org"
        autocomplete="off"
        value={email}
        onInput={(event) => setEmail(event.currentTarget.value)}
      />
      <Problem words={error} />
      <div class="dialog-buttons">
        <button class="primary" data-testid="new-chat" disabled={busy}>
          Start the chat
        </button>
      </div>
    </form>
  );
}

function NewGroup({ me }: { me: Me }) {
  const { busy, error, run } = useAttempt();
  const [title, setTitle] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const submit = (event: Event) => {
    event.preventDefault();
    run(async () => {
      const chat = await client.call("chat.chat.create", { type: "group", title: title.trim(), memberIds: [...chosen] });
      await open(chat.id);
    });
  };
  return (
    <form class="stack" onSubmit={submit}>
      <label for="new-group">Title</label>
      <input
        id="new-group"
        data-testid="new-group-title"
        required
        pattern=".*\S.*"
        maxLength={200}
        placeholder="What it is about"
        autocomplete="off"
        value={title}
        onInput={(event) => setTitle(event.currentTarget.value)}
      />
      <PeoplePicker me={me} chosen={chosen} onChange={setChosen} />
      <Problem words={error} />
      <div class="dialog-buttons">
        <button class="primary" data-testid="new-group" disabled={busy}>
          Create the group
        </button>
      </div>
    </form>
  );
}

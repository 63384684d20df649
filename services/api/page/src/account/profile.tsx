import { useRef, useState } from "preact/hooks";
import { client, useClient } from "../client.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Field } from "../parts/field.tsx";
import { Problem, useAttempt } from "../parts/form.tsx";
import { reduce } from "./picture.ts";

export function ProfileForm() {
  const me = useClient((state) => state.user)!;
  const { busy, error, fields, run } = useAttempt(["name"]);
  const [name, setName] = useState(me.name);
  const submit = (event: Event) => {
    event.preventDefault();
    run(() => client.call("user.me.change", { name: name.trim() }));
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Picture name={name} />
      <div class="row row-end">
        <div class="grow">
          <Field
            label="Your name"
            id="my-name"
            maxLength={100}
            autocomplete="name"
            value={name}
            error={fields["name"]}
            onInput={setName}
          />
        </div>
        <button class="plain" data-testid="save-name" disabled={busy || !name.trim() || name.trim() === me.name}>
          Save
        </button>
      </div>
      <Problem words={error} />
    </form>
  );
}

function Picture({ name }: { name: string }) {
  const me = useClient((state) => state.user)!;
  const { busy, error, run } = useAttempt();
  const picker = useRef<HTMLInputElement>(null);
  const put = () => {
    const file = picker.current!.files?.[0];
    if (!file) return;
    run(async () => {
      const image = await reduce(file);
      await client.call("user.avatar.put", { image });
    });
    // The same file may be picked again.
    picker.current!.value = "";
  };
  return (
    <>
      <div class="person-head">
        <Avatar id={me.id} name={name} large />
        <div class="grow stack">
          <span class="quiet">{me.email}</span>
          <div class="row">
            <button
              type="button"
              class="plain slim"
              data-testid="pick-avatar"
              disabled={busy}
              onClick={() => picker.current!.click()}
            >
              {busy ? "One moment …" : me.avatar ? "Another picture" : "Choose a picture"}
            </button>
            {me.avatar && (
              <button
                type="button"
                class="plain slim"
                data-testid="remove-avatar"
                disabled={busy}
                onClick={() => run(() => client.call("user.avatar.remove", {}))}
              >
                Remove
              </button>
            )}
          </div>
        </div>
        <input ref={picker} type="file" accept="image/*" hidden data-testid="avatar-file" onChange={put} />
      </div>
      <Problem words={error} />
    </>
  );
}

import type { ComponentChildren } from "preact";

interface Props {
  label: string;
  about?: ComponentChildren;
  on: boolean;
  disabled?: boolean;
  testid?: string;
  onChange: (on: boolean) => void;
}

/** On or off. */
export function Switch({ label, about, on, disabled, testid, onChange }: Props) {
  return (
    <label class="switch">
      <span class="grow">
        {label}
        {about && <small>{about}</small>}
      </span>
      <input
        type="checkbox"
        role="switch"
        checked={on}
        disabled={disabled}
        data-testid={testid}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </label>
  );
}

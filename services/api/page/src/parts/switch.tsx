import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

interface Props {
  label: string;
  about?: ComponentChildren;
  on: boolean;
  /** While a change is on its way. */
  disabled: boolean;
  testid?: string;
  onChange: (on: boolean) => void;
}

/** On or off. It shows what was chosen while that is on its way, and what is so afterwards. */
export function Switch({ label, about, on, disabled, testid, onChange }: Props) {
  const [chosen, setChosen] = useState<boolean>();
  useEffect(() => {
    if (!disabled) setChosen(undefined);
  }, [on, disabled]);
  return (
    <label class="switch">
      <span class="grow">
        {label}
        {about && <small>{about}</small>}
      </span>
      <input
        type="checkbox"
        role="switch"
        checked={chosen ?? on}
        disabled={disabled}
        data-testid={testid}
        onChange={(event) => {
          setChosen(event.currentTarget.checked);
          onChange(event.currentTarget.checked);
        }}
      />
    </label>
  );
}

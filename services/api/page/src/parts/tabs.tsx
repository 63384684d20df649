interface Props<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** One of a few. */
export function Tabs<T extends string>({ label, value, options, onChange }: Props<T>) {
  return (
    <div class="tabs" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} class={option.value === value ? "chosen" : ""}>
          <input
            class="hidden"
            type="radio"
            name={label}
            checked={option.value === value}
            data-testid={`tab-${option.value}`}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}

import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props extends Pick<
  InputHTMLAttributes<HTMLInputElement>,
  "type" | "inputmode" | "autocomplete" | "maxLength" | "minLength" | "placeholder" | "spellcheck"
> {
  id: string;
  label: string;
  testid?: string;
  value: string;
  onInput: (value: string) => void;
  /** Beneath it, in few words. */
  about?: ComponentChildren;
  /** What is wrong with it. */
  error?: string | undefined;
  /** Takes the focus when it appears. */
  focus?: boolean;
  optional?: boolean;
}

/** A label, a field, and what is to be said of it. */
export function Field({ id, label, testid, value, onInput, about, error, focus, optional, ...rest }: Props) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (focus) field.current?.focus();
  }, []);
  useLayoutEffect(() => {
    if (error) field.current?.focus();
  }, [error]);
  return (
    <>
      <label for={id}>{label}</label>
      <input
        {...(rest as object)}
        id={id}
        ref={field}
        autofocus={focus ?? false}
        data-testid={testid ?? id}
        required={!optional}
        value={value}
        aria-invalid={error ? true : undefined}
        aria-describedby={error || about ? `${id}-about` : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {(error || about) && (
        <small id={`${id}-about`} class={error ? "bad" : "quiet"} role={error ? "alert" : undefined}>
          {error ?? about}
        </small>
      )}
    </>
  );
}

type NewPasswordProps = Omit<Props, "type" | "autocomplete" | "minLength" | "maxLength" | "label"> & { label?: string };

/** A new password: any characters, so long as they are enough. */
export function NewPassword(props: NewPasswordProps) {
  return (
    <Field
      about="At least 8 characters; a few words make a good one."
      label="New password"
      {...props}
      type="password"
      autocomplete="new-password"
      minLength={8}
      maxLength={128}
    />
  );
}

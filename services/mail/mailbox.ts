/** A name and an address, as in `Confab <no-reply@example.com>`. */
export interface Mailbox {
  name: string;
  address: string;
}

/** They are what is refused: no header may be ended by a value. */
const control = /[\u0000-\u001f\u007f]/;
const address = /^[^\s<>@,;:"]+@[^\s<>@,;:"]+$/;

/** Undefined where it is not one plain address, or is not on one line. */
export function readMailbox(given: string): Mailbox | undefined {
  if (control.test(given)) return undefined;
  const [, name = "", inBrackets] = /^([^<>]*)<([^<>]*)>\s*$/.exec(given) ?? [];
  const mailbox = { name: name.trim().replace(/^"(.*)"$/, "$1"), address: (inBrackets ?? given).trim() };
  return address.test(mailbox.address) ? mailbox : undefined;
}

/** Text for a header: on one line. */
export function headerText(given: string): string {
  return given.replace(new RegExp(`${control.source}+`, "g"), " ");
}

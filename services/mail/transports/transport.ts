import type { Mail } from "../mail.ts";

/** Hands mails on to whatever brings them to their readers. */
export interface Transport {
  /**
   * Resolves with the server's answer once somebody else has taken the mail upon themselves. Throws `Refused` where it
   * never will, anything else where it may at a later try. `lost` ends it in an error, where it is not too late.
   */
  send(mail: Mail, lost?: AbortSignal): Promise<string>;
  close(): void;
}

/** A line of the dialogue with the server, for whoever looks on. No key or password is in it. */
export type Hear = (by: "client" | "server", line: string) => void;

/** The server's last word on a mail: trying again is no use. */
export class Refused extends Error {
  /** Whether it is the address that is refused, whatever a mail to it says. */
  readonly isAddress: boolean;

  constructor(answer: string, { isAddress, cause }: { isAddress: boolean; cause?: unknown }) {
    super(answer, { cause });
    this.name = "Refused";
    this.isAddress = isAddress;
  }
}

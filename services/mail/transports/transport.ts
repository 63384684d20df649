import type { Mail } from "../mail.ts";

/** Hands mails on to whatever brings them to their readers. */
export interface Transport {
  /** Resolves once somebody else has taken the mail upon themselves; throws where not. */
  send(mail: Mail): Promise<void>;
  close(): void;
}

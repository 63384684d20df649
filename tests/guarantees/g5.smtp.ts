// A mail server that remembers whom it said yes to, and does what a test wants at each mail.

import type { AddressInfo, Socket } from "node:net";
import { SMTPServer } from "smtp-server";

/** A copy of a mail that the server took upon itself. */
export interface Copy {
  to: string;
  messageId: string;
  /** By which name the node greeted. */
  from: string;
  at: number;
  /** Whether the node could hear the yes: not where the line was cut, or the node killed, before it was said. */
  heard: boolean;
}

/**
 * What it does with a mail: takes it, says a no that begins with a number, never answers, or hangs up; `cut after yes`
 * takes it and hangs up before the node hears of it; `kill` ends the node at that moment.
 */
export type Deed = "take" | `${4 | 5}${string}` | "stall" | "cut" | "cut after yes" | "kill";

export interface Options {
  /** Asked when it hears whom a mail is for, and when it has its words. */
  deed: (to: string, at: "name" | "words") => Deed;
  /** Ends the node that greets by this name before it hears anything more. */
  kill: (node: string) => void;
}

export class MailServer {
  readonly copies: Copy[] = [];
  /** How often each thing was done. */
  readonly done = new Map<string, number>();
  readonly #options: Options;
  readonly #sockets = new Set<Socket>();
  #server: SMTPServer | undefined;
  port = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      // An address that is refused for good is so at its name.
      onRcptTo: ({ address }, _session, answer) => {
        const deed = this.#options.deed(address, "name");
        if (!deed.startsWith("5")) return answer();
        this.#note(deed);
        this.#refuse(deed, answer);
      },
      onData: (stream, session, answer) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
        stream.on("end", () => {
          const to = session.envelope.rcptTo[0]!.address;
          const socket = [...this.#sockets].find(({ remotePort }) => remotePort === session.remotePort);
          // Its line was cut meanwhile.
          if (!socket) return;
          const messageId = /^Message-ID: (\S+)\r$/m.exec(Buffer.concat(chunks).toString())?.[1] ?? "none";
          const deed = this.#options.deed(to, "words");
          this.#note(deed);
          const copy = { to, messageId, from: session.hostNameAppearsAs, at: Date.now() };
          if (/^\d/.test(deed)) this.#refuse(deed, answer);
          else if (deed === "take") {
            this.copies.push({ ...copy, heard: true });
            answer();
          } else if (deed === "cut after yes" || deed === "kill") {
            this.copies.push({ ...copy, heard: false });
            if (deed === "kill") this.#options.kill(copy.from);
            socket.destroy();
          } else if (deed === "cut") socket.destroy();
        });
      },
    });
    server.on("error", () => {});
    server.server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.server.address() as AddressInfo).port;
    this.#server = server;
  }

  #refuse(deed: Deed, answer: (err: Error) => void): void {
    answer(Object.assign(new Error(deed.slice(4)), { responseCode: Number(deed.slice(0, 3)) }));
  }

  #note(deed: Deed): void {
    this.done.set(deed, (this.done.get(deed) ?? 0) + 1);
  }

  /** Hangs up on everybody, and is not there any more. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#server = undefined;
  }
}

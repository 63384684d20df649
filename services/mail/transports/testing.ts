import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";
import type { Mail } from "../mail.ts";

/** What a mail server took. */
export interface Received {
  from: string;
  to: string[];
  raw: string;
  /** Milliseconds on the clock of performance.now(). */
  at: number;
  ehlo: string;
  user: string | undefined;
  secure: boolean;
  smtpUtf8: boolean;
}

export type Stage = "connect" | "auth" | "mail" | "rcpt" | "data";
/** Nothing is yes, words such as `550 5.1.1 unknown` are a no; `stall` never answers, `cut` hangs up, `cut after` does so after its yes. */
export type Script = (stage: Stage, address: string) => string | undefined;

export interface TestServer {
  port: number;
  /** With `//user:password@` or what else stands before the host. */
  url: (before?: string, after?: string) => string;
  received: Received[];
  close: () => Promise<void>;
}

/** A mail server under the test's hand, on loopback. It wants no sign-in but where `options` say so. */
export async function startSmtpServer(script: Script = () => undefined, options: SMTPServerOptions = {}): Promise<TestServer> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  type Answer = (err?: Error | null) => void;
  const play = (stage: Stage, address: string, session: SMTPServerSession, done: Answer, yes: () => void) => {
    const wanted = script(stage, address);
    if (wanted === undefined) return yes();
    if (wanted === "stall") return;
    if (wanted === "cut") return hangUp(session);
    if (wanted === "cut after") {
      yes();
      return hangUp(session);
    }
    const [, code, words] = /^(\d{3}) (.*)$/s.exec(wanted)!;
    done(Object.assign(new Error(words), { responseCode: Number(code) }));
  };
  const hangUp = ({ remotePort }: SMTPServerSession) => {
    for (const socket of sockets) if (socket.remotePort === remotePort) socket.destroySoon();
  };
  const server: SMTPServer = new SMTPServer({
    authOptional: true,
    // The script's words hold the codes that a test wants.
    hideENHANCEDSTATUSCODES: true,
    ...(options.secure || options.key ? {} : { disabledCommands: ["STARTTLS"] }),
    onConnect: (session, done) => play("connect", "", session, done, done),
    onAuth: ({ username, password }, session, done) =>
      play("auth", "", session, done, () =>
        password === "right" ? done(null, { user: username }) : done(Object.assign(new Error("Wrong"), { responseCode: 535 })),
      ),
    onMailFrom: ({ address }, session, done) => play("mail", address, session, done, done),
    onRcptTo: ({ address }, session, done) => play("rcpt", address, session, done, done),
    onData: (stream, session, done) => {
      const { mailFrom, rcptTo, smtpUtf8 } = session.envelope as typeof session.envelope & { smtpUtf8?: boolean };
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
      stream.on("end", () => {
        const to = rcptTo.map(({ address }) => address);
        play("data", to[0] ?? "", session, done, () => {
          received.push({
            from: (mailFrom || { address: "" }).address,
            to,
            raw: Buffer.concat(chunks).toString(),
            at: performance.now(),
            ehlo: session.hostNameAppearsAs,
            user: session.user as string | undefined,
            secure: session.secure,
            smtpUtf8: smtpUtf8 ?? false,
          });
          done();
        });
      });
    },
    ...options,
  });
  server.on("error", () => {});
  server.server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    url: (before = "//", after = "") => `${options.secure ? "smtps" : "smtp"}:${before}127.0.0.1:${port}${after}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A key and a certificate for 127.0.0.1 and localhost, signed by itself, which nobody trusts unless told. */
export function makeCertificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "confab-certificate-"));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name)) as [string, string];
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert];
  try {
    execFileSync("openssl", ["req", "-x509", ...made, "-subj", "/CN=localhost", "-addext", names, "-days", "2"], {
      stdio: "pipe",
    });
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A mail as it comes to a transport. */
export function sampleMail(given: Partial<Mail> = {}): Mail {
  return {
    jobId: "0198c0de-0000-7000-8000-000000000001",
    messageId: "<0198c0de-0000-7000-8000-000000000001@example.com>",
    from: "Confab <no-reply@example.com>",
    to: "ann@example.org",
    subject: "A subject",
    text: "Some words\n",
    html: "<p>Some words</p>",
    headers: { "Auto-Submitted": "auto-generated" },
    ...given,
  };
}

import { createTransport } from "nodemailer";
import { dkimOf, type DkimSettings } from "./dkim.ts";
import { readMailgunUrl } from "./mailgun.url.ts";
import { messageOf } from "./message.ts";
import { Refused, type Hear, type Transport } from "./transport.ts";

const timeoutMs = 30_000;

interface MailgunOptions extends DkimSettings {
  MAILGUN_URL: string;
}

/** Hands mails to Mailgun, as the MIME that SMTP would carry, so that Message-ID and headers are ours there too. */
export function mailgunTransport(settings: MailgunOptions, extras: { timeoutMs?: number; hear?: Hear } = {}): Transport {
  const { url, key } = readMailgunUrl(settings.MAILGUN_URL)!;
  const writer = createTransport({
    streamTransport: true,
    buffer: true,
    newline: "windows",
    dkim: dkimOf(settings),
  } as Parameters<typeof createTransport>[0]);
  const closing = new AbortController();
  return {
    async send(mail, lost) {
      const written = (await writer.sendMail(messageOf(mail))) as unknown as { message: Buffer; envelope: { to: string[] } };
      const form = new FormData();
      form.append("to", written.envelope.to[0]!);
      form.append("message", new Blob([new Uint8Array(written.message)], { type: "message/rfc822" }), "message.mime");
      // As bytes: a form that fetch writes as it sends can throw where nobody catches, when the sending ends early.
      const encoded = new Response(form);
      const body = await encoded.arrayBuffer();
      extras.hear?.("client", `POST ${url}/messages.mime, to ${written.envelope.to[0]}, ${written.message.length} bytes of MIME`);
      const { status, text } = await post(`${url}/messages.mime`, {
        method: "POST",
        headers: {
          Authorization: `Basic ${Buffer.from(`api:${key}`).toString("base64")}`,
          Accept: "application/json",
          "Content-Type": encoded.headers.get("Content-Type")!,
        },
        body,
        // The key goes nowhere else.
        redirect: "manual",
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(extras.timeoutMs ?? timeoutMs), ...(lost ? [lost] : [])]),
      });
      const answer = `${status} ${text}`.trim().slice(0, 500).toWellFormed();
      extras.hear?.("server", answer);
      if (status >= 200 && status < 300) return answer;
      throw judgeMailgun(status, answer);
    },
    close: () => closing.abort(),
  };
}

async function post(url: string, request: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, request);
    return { status: response.status, text: readWords(await response.text()) };
  } catch (err) {
    // Of a failed connection fetch tells the reason in the cause alone.
    const { name, cause } = err as Error & { cause?: { code?: string; message?: string } };
    throw Object.assign(new Error(cause?.message ?? (err as Error).message), { code: cause?.code ?? name });
  }
}

/** Mailgun's own words, which lie in JSON; of another answer the answer. */
function readWords(text: string): string {
  try {
    const { message, id } = JSON.parse(text) as { message?: unknown; id?: unknown };
    return [message, id].filter((word) => typeof word === "string").join(" ");
  } catch {
    return text.replace(/\s+/g, " ");
  }
}

/**
 * What may go well another time: too many at once; and what is the operator's mistake, which must not kill each mail that meets it: a wrong
 * key, an unpaid bill, a domain that is not there or lives in another region.
 */
const notNow = new Set([401, 402, 403, 404, 405, 408, 425, 429]);

function judgeMailgun(status: number, answer: string): Error {
  if (status >= 400 && status < 500 && !notNow.has(status))
    // In Mailgun's words: "'to' parameter is not a valid address."
    return new Refused(answer, { isAddress: status === 400 && /\bto\b.{0,40}\bnot a valid address/i.test(answer) });
  return Object.assign(new Error(answer), { code: "EHTTP", responseCode: status });
}

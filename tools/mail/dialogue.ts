import type { Hear } from "../../services/mail/transports/transport.ts";

/**
 * Makes the lines of a dialogue, and other words of the server, ready to be shown. What is said in the sign-in is left out, and `secrets`
 * wherever they stand: a server may repeat what it was told. Nothing in a line can move the cursor or colour the terminal.
 */
export function presenter(secrets: readonly string[]) {
  const hidden = secrets.flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]);
  let isSigningIn = false;

  function words(text: string): string {
    const plain = text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "");
    return hidden.reduce((left, secret) => left.replaceAll(secret, "***"), plain);
  }

  function line(...[by, said]: Parameters<Hear>): string {
    const auth = /^AUTH (\S+)/i.exec(said);
    // 334 asks for more.
    const isAsked = by === "server" && said.startsWith("334");
    isSigningIn = by === "client" ? isSigningIn || auth !== null : isSigningIn && isAsked;
    const shown = isSigningIn ? (auth ? `AUTH ${auth[1]} ***` : isAsked ? "334 ***" : "***") : said;
    return words(shown).replace(/^/gm, by === "client" ? "  > " : "  < ");
  }

  return { words, line };
}

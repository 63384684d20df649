/** One mail before it is made into HTML and text: its words, as plain text, in the order in which they are read. */
export interface Letter {
  subject: string;
  /** Left out: the subject. */
  heading?: string;
  blocks: Block[];
  /** Small print. */
  foot: Foot[];
}

export type Block =
  | { kind: "paragraph"; text: string }
  | { kind: "code"; code: string }
  | { kind: "button"; label: string; url: string }
  | { kind: "facts"; facts: [label: string, value: string][] }
  | { kind: "chat"; title: string; count: string }
  | { kind: "message"; name: string; when: string; mention: string; text: string };

export type Foot = { kind: "note"; text: string } | { kind: "link"; label: string; url: string };

/** What a mail says, whoever sends it. */
export interface Content {
  subject: string;
  text: string;
  html: string;
}

export const paragraph = (text: string): Block => ({ kind: "paragraph", text });
export const button = (label: string, url: string): Block => ({ kind: "button", label, url: webUrl(url) });
export const link = (label: string, url: string): Foot => ({ kind: "link", label, url: webUrl(url) });

/** Nothing else is led to by a mail. As URLs are written, they hold no sign that could end an attribute, a header or a line. */
export function webUrl(given: string): string {
  const url = new URL(given);
  if (!/^https?:$/.test(url.protocol)) throw new Error("a mail leads to web addresses alone");
  return url.href;
}

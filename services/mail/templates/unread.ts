import type { MailJob } from "@confab/contracts";
import { compose, type Block, type Content } from "./template.ts";

type DataOf<T extends MailJob["template"]> = Extract<MailJob, { template: T }>["data"];

const paragraph = (text: string): Block => ({ paragraph: text });

export const invitation = ({ by, title, url }: DataOf<"invitation">): Content =>
  compose(`${by} invites you to ${title}`, [paragraph(`${by} invites you to the group ${title}.`), paragraph(url)]);

const unread = ({ chats, more, url }: DataOf<"digest">): Block[] => [
  ...chats.flatMap(({ title, messages }) => [
    paragraph(title),
    ...messages.map(({ name, text }) => paragraph(`${name}: ${text}`)),
  ]),
  ...(more > 0 ? [paragraph(`and ${more} more chats`)] : []),
  paragraph(url),
];

export const notification = (data: DataOf<"notification">): Content => compose(`New in ${data.chats[0]!.title}`, unread(data));

export const digest = (data: DataOf<"digest">): Content => compose("Unread messages", unread(data));

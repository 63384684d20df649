import { button, link, paragraph, type Block, type Foot, type Letter } from "./letter.ts";
import { lines, name } from "./plain.ts";
import { zoneOf } from "./speech.ts";
import type { DataOf, Setting, Template } from "./template.ts";

/* What was written to somebody in chats: an invitation into one, and messages that lie unread. */

type Unread = DataOf<"digest">;
type Chat = Unread["chats"][number];

/** So many characters and lines of a message are told; the rest is read in the chat. */
interface Excerpt {
  most: number;
  mostLines: number;
}

/** Why one gets a mail that one can decline, and where. */
function footOf({ why, unsubscribe }: { why: string; unsubscribe: string }, { unsubscribeUrl }: Setting): Foot[] {
  return unsubscribeUrl === undefined ? [] : [{ kind: "note", text: why }, link(unsubscribe, unsubscribeUrl)];
}

export const invitation: Template<"invitation"> = (data, setting) => {
  const { somebody, invitation: words } = setting.words;
  const [by, title] = [name(data.by, somebody), name(data.title, "", 80)];
  return {
    subject: words.subject(by, title),
    blocks: [paragraph(words.lead(by, title)), button(words.button, data.url), paragraph(words.otherwise)],
    foot: footOf(words, setting),
  };
};

export const notification: Template<"notification"> = (data, setting) => {
  const words = setting.words.notification;
  return {
    subject: subjectOf(data, setting),
    blocks: tell(data, words, { most: 1000, mostLines: 30 }, setting),
    foot: footOf(words, setting),
  };

  function subjectOf({ chats, more }: Unread, { words: { inGroup, somebody } }: Setting): string {
    const [chat] = chats as [Chat];
    if (chats.length + more > 1) return words.several(chats.length + more);
    if (chat.isDirect) return words.direct(name(chat.title, somebody), chat.count);
    const mention = chat.messages.find(({ isMention }) => isMention);
    const where = inGroup(name(chat.title, "", 80));
    return mention ? words.mention(name(mention.name, somebody), where) : words.group(chat.count, where);
  }
};

export const digest: Template<"digest"> = (data, setting) => {
  const words = setting.words.digest;
  return {
    subject: subjectOf(data, setting),
    blocks: tell(data, words, { most: 300, mostLines: 6 }, setting),
    foot: footOf(words, setting),
  };

  function subjectOf({ chats, more }: Unread, { words: { inGroup, somebody } }: Setting): string {
    const [chat] = chats as [Chat];
    // How much is unread in those that are not told, nobody says.
    if (more > 0) return words.many(chats.length + more);
    const count = chats.reduce((sum, { count }) => sum + count, 0);
    if (chats.length > 1) return words.several(count, chats.length);
    return chat.isDirect
      ? words.direct(name(chat.title, somebody), count)
      : words.group(count, inGroup(name(chat.title, "", 80)));
  }
};

function tell(
  { name: reader, chats, more, url, timeZone }: Unread,
  { lead, button: label }: { lead: string; button: string },
  excerpt: Excerpt,
  { words }: Setting,
): Letter["blocks"] {
  const zone = zoneOf(timeZone);
  const told = chats.flatMap(({ title, isDirect, count, messages }): Block[] => [
    {
      kind: "chat",
      title: name(title, isDirect ? words.somebody : words.unnamedGroup, 80),
      count: words.unreadOf(count, messages.length),
    },
    ...messages.map((message): Block => ({
      kind: "message",
      name: name(message.name, words.somebody),
      when: words.moment(message.at, zone),
      mention: message.isMention ? words.mention : "",
      text: lines(message.text, excerpt) || words.wordless,
    })),
  ]);
  const greeted = name(reader, "");
  return [
    paragraph(greeted ? `${words.hello(greeted)} ${lead}` : lead),
    ...told,
    ...(more > 0 ? [paragraph(words.moreChats(more))] : []),
    button(label, url),
  ];
}

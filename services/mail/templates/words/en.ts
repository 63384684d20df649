import { speech } from "../speech.ts";

const { count, time, moment } = speech("en-GB");

const minutes = (howMany: number) => count(howMany, { one: "minute", other: "minutes" });
const days = (howMany: number) => count(howMany, { one: "day", other: "days" });
const messages = (howMany: number) => count(howMany, { one: "message", other: "messages" });
const chats = (howMany: number) => count(howMany, { one: "chat", other: "chats" });
const unread = (howMany: number) => count(howMany, { one: "unread message", other: "unread messages" });

const mistake = "If you did not ask for it, somebody typed your address by mistake: there is nothing for you to do.";

export const en = {
  time,
  moment,
  somebody: "Somebody",
  unnamedGroup: "A group without a name",
  unknown: "unknown",

  code: {
    subject: (code: string) => `${code} is your sign-in code`,
    heading: "Your sign-in code",
    lead: "Type this code to sign in:",
    otherwise: mistake,
  },
  "register-code": {
    subject: (code: string) => `${code} is your code to register`,
    heading: "Your code to register",
    lead: "Type this code to finish your new account:",
    otherwise: mistake,
  },
  "reset-code": {
    subject: (code: string) => `${code} is your code for a new password`,
    heading: "Your code for a new password",
    lead: "Type this code to set a new password:",
    otherwise: "If you did not ask for it, do nothing: your password stays as it is.",
  },
  "email-code": {
    subject: (code: string) => `${code} is your code for your new address`,
    heading: "Your code for your new address",
    lead: "Type this code to use this address for your account:",
    otherwise: mistake,
  },
  codeTerms: (howLong: number) =>
    `It is good for ${minutes(howLong)}, once, and only where you asked for it. Give it to nobody, whoever asks.`,

  "known-address": {
    subject: "You have an account already",
    lead: "Somebody, perhaps you, wanted to use this address for an account. There is one already: sign in with it, or ask for a new password.",
    button: "Sign in",
  },
  "unknown-address": {
    subject: "There is no account of this address",
    lead: "Somebody, perhaps you, asked for a new password. This address has no account; perhaps you registered with another one.",
  },
  notMe: "If it was not you, there is nothing for you to do.",

  when: "When",
  device: "Device",
  place: "From",
  "password-changed": {
    subject: "Your password was changed",
    lead: "Your password was changed, and all other sessions were ended.",
  },
  "email-changed": {
    subject: "Your address was changed",
    lead: (newEmail: string) => `Your account now has the address ${newEmail}. Mails no longer go to this one.`,
    otherwise: "If that was not you, tell whoever runs this service.",
  },
  "totp-changed": {
    on: { subject: "The second factor is on", lead: "From now on signing in wants a code of your second factor." },
    off: { subject: "The second factor is off", lead: "From now on signing in wants no second factor." },
  },
  "new-device": {
    subject: "Somebody signed in",
    lead: "Your account was signed in to from a place that it did not know yet.",
  },
  notYou:
    "If that was not you, set a new password at once by “Forgot password”: it ends all sessions. Then look at your sessions and your second factor.",

  "export-ready": {
    subject: "Your data is ready",
    lead: "The archive that you asked for holds all that is kept of you. Whoever has this link can read it, so keep it to yourself.",
    button: "Download the archive",
    until: (howLong: number) => `It is there for ${days(howLong)}.`,
  },
  "erasure-begun": {
    subject: "Your account will be erased",
    lead: (at: string) => `Your account will be erased on ${at}, and nobody can bring it back after that.`,
    keep: "To keep it, sign in before then.",
    button: "Keep my account",
  },

  invitation: {
    subject: (by: string, title: string) => `${by} invites you to ${title ? `“${title}”` : "a group"}`,
    lead: (by: string, title: string) => `${by} invites you to ${title ? `the group “${title}”` : "a group"}.`,
    button: "See the invitation",
    otherwise: "If you do not know who that is, there is nothing for you to do.",
    why: "You get this mail because somebody typed in your address to invite you.",
    unsubscribe: "Get no more invitations",
  },

  hello: (name: string) => `Hello ${name}!`,
  /** Of one chat: how much of it is unread, and how many messages are told. */
  unreadOf: (howMany: number, told: number) =>
    howMany > told ? `${unread(howMany)}, the latest ${told === 1 ? "one" : told} here` : unread(howMany),
  mention: "mentions you",
  wordless: "(without words: a picture or a file)",
  moreChats: (howMany: number) => `And ${count(howMany, { one: "more chat", other: "more chats" })} with unread messages.`,
  inGroup: (title: string) => (title ? `in “${title}”` : "in a group"),
  notification: {
    direct: (name: string, howMany: number) =>
      howMany === 1 ? `${name} wrote to you` : `${name} wrote to you: ${messages(howMany)}`,
    mention: (name: string, inGroup: string) => `${name} mentions you ${inGroup}`,
    group: (howMany: number, inGroup: string) => `${messages(howMany)} ${inGroup}`,
    several: (howManyChats: number) => `New messages in ${chats(howManyChats)}`,
    lead: "This came while you were away:",
    button: "Read and answer",
    why: "You get this mail because you were written to while you were away.",
    unsubscribe: "Get no more of these mails",
  },
  digest: {
    direct: (name: string, howMany: number) => `${unread(howMany)} from ${name}`,
    group: (howMany: number, inGroup: string) => `${unread(howMany)} ${inGroup}`,
    several: (howMany: number, howManyChats: number) => `${unread(howMany)} in ${chats(howManyChats)}`,
    many: (howManyChats: number) => `Unread messages in ${chats(howManyChats)}`,
    lead: "This is what you have not read yet:",
    button: "Read it all",
    why: "You get this mail because there are messages that you have not read. How often it comes is among your preferences.",
    unsubscribe: "Get no more of these mails",
  },
  sentBy: (sender: string) => `Sent by ${sender}`,
};

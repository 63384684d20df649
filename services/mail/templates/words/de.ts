import { speech } from "../speech.ts";
import type { Words } from "./words.ts";

const { count, time, moment } = speech("de-DE");

const minutes = (howMany: number) => count(howMany, { one: "Minute", other: "Minuten" });
const days = (howMany: number) => count(howMany, { one: "Tag", other: "Tage" });
const messages = (howMany: number) => count(howMany, { one: "Nachricht", other: "Nachrichten" });
const chats = (howMany: number) => count(howMany, { one: "Chat", other: "Chats" });
const moreChats = (howMany: number) => count(howMany, { one: "weiteren Chat", other: "weiteren Chats" });
const unread = (howMany: number) => count(howMany, { one: "ungelesene Nachricht", other: "ungelesene Nachrichten" });

const mistake =
  "Wenn Sie ihn nicht angefordert haben, hat jemand versehentlich Ihre Adresse eingegeben: Sie müssen dann nichts tun.";

export const de: Words = {
  time,
  moment,
  somebody: "Jemand",
  unnamedGroup: "Eine Gruppe ohne Namen",
  unknown: "unbekannt",

  code: {
    subject: (code) => `${code} ist Ihr Anmeldecode`,
    heading: "Ihr Anmeldecode",
    lead: "Geben Sie diesen Code ein, um sich anzumelden:",
    otherwise: mistake,
  },
  "register-code": {
    subject: (code) => `${code} ist Ihr Registrierungscode`,
    heading: "Ihr Registrierungscode",
    lead: "Geben Sie diesen Code ein, um Ihr neues Konto fertigzustellen:",
    otherwise: mistake,
  },
  "reset-code": {
    subject: (code) => `${code} ist Ihr Code für ein neues Passwort`,
    heading: "Ihr Code für ein neues Passwort",
    lead: "Geben Sie diesen Code ein, um ein neues Passwort festzulegen:",
    otherwise: "Wenn Sie ihn nicht angefordert haben, tun Sie nichts: Ihr Passwort bleibt, wie es ist.",
  },
  "email-code": {
    subject: (code) => `${code} ist Ihr Code für Ihre neue Adresse`,
    heading: "Ihr Code für Ihre neue Adresse",
    lead: "Geben Sie diesen Code ein, um diese Adresse für Ihr Konto zu verwenden:",
    otherwise: mistake,
  },
  codeTerms: (howLong) =>
    `Er gilt ${minutes(howLong)} lang, ein einziges Mal und nur dort, wo Sie ihn angefordert haben. Geben Sie ihn an niemanden weiter, wer auch danach fragt.`,

  "known-address": {
    subject: "Sie haben bereits ein Konto",
    lead: "Jemand, vielleicht Sie selbst, wollte diese Adresse für ein Konto verwenden. Es gibt bereits eines: Melden Sie sich damit an oder fordern Sie ein neues Passwort an.",
    button: "Anmelden",
  },
  "unknown-address": {
    subject: "Zu dieser Adresse gibt es kein Konto",
    lead: "Jemand, vielleicht Sie selbst, hat ein neues Passwort angefordert. Zu dieser Adresse gibt es kein Konto; vielleicht haben Sie sich mit einer anderen registriert.",
  },
  notMe: "Wenn Sie das nicht waren, müssen Sie nichts tun.",

  when: "Wann",
  device: "Gerät",
  place: "Von",
  "password-changed": {
    subject: "Ihr Passwort wurde geändert",
    lead: "Ihr Passwort wurde geändert, und alle anderen Sitzungen wurden beendet.",
  },
  "email-changed": {
    subject: "Ihre Adresse wurde geändert",
    lead: (newEmail) => `Ihr Konto hat jetzt die Adresse ${newEmail}. An diese hier gehen keine E-Mails mehr.`,
    otherwise: "Wenn Sie das nicht waren, wenden Sie sich an die Stelle, die diesen Dienst betreibt.",
  },
  "totp-changed": {
    on: {
      subject: "Der zweite Faktor ist eingeschaltet",
      lead: "Ab jetzt verlangt die Anmeldung einen Code Ihres zweiten Faktors.",
    },
    off: { subject: "Der zweite Faktor ist ausgeschaltet", lead: "Ab jetzt verlangt die Anmeldung keinen zweiten Faktor mehr." },
  },
  "new-device": {
    subject: "Neue Anmeldung",
    lead: "Bei Ihrem Konto hat sich jemand von einem Ort angemeldet, den es noch nicht kannte.",
  },
  notYou:
    "Wenn Sie das nicht waren, legen Sie sofort über „Passwort vergessen“ ein neues Passwort fest: Das beendet alle Sitzungen. Sehen Sie danach Ihre Sitzungen und Ihren zweiten Faktor durch.",

  "export-ready": {
    subject: "Ihre Daten stehen bereit",
    lead: "Das Archiv, das Sie angefordert haben, enthält alles, was über Sie gespeichert ist. Wer diesen Link hat, kann es lesen; behalten Sie ihn also für sich.",
    button: "Archiv herunterladen",
    until: (howLong) => `Es liegt dort ${days(howLong)} lang.`,
  },
  "erasure-begun": {
    subject: "Ihr Konto wird gelöscht",
    lead: (at) => `Ihr Konto wird am ${at} gelöscht, und niemand kann es danach wiederherstellen.`,
    keep: "Wenn Sie es behalten möchten, melden Sie sich vorher an.",
    button: "Konto behalten",
  },

  invitation: {
    subject: (by, title) => `${by} lädt Sie in ${title ? `„${title}“` : "eine Gruppe"} ein`,
    lead: (by, title) => `${by} lädt Sie in ${title ? `die Gruppe „${title}“` : "eine Gruppe"} ein.`,
    button: "Einladung ansehen",
    otherwise: "Wenn Sie nicht wissen, wer das ist, müssen Sie nichts tun.",
    why: "Sie erhalten diese E-Mail, weil jemand Ihre Adresse eingegeben hat, um Sie einzuladen.",
    unsubscribe: "Keine Einladungen mehr erhalten",
  },

  hello: (name) => `Guten Tag, ${name}!`,
  unreadOf: (howMany, told) =>
    howMany > told ? `${unread(howMany)}, hier ${told === 1 ? "die neueste" : `die neuesten ${told}`}` : unread(howMany),
  mention: "erwähnt Sie",
  wordless: "(ohne Worte: ein Bild oder eine Datei)",
  moreChats: (howMany) => `Dazu ungelesene Nachrichten in ${moreChats(howMany)}.`,
  inGroup: (title) => (title ? `in „${title}“` : "in einer Gruppe"),
  notification: {
    direct: (name, howMany) =>
      howMany === 1 ? `${name} hat Ihnen geschrieben` : `${name} hat Ihnen geschrieben: ${messages(howMany)}`,
    mention: (name, inGroup) => `${name} erwähnt Sie ${inGroup}`,
    group: (howMany, inGroup) => `${messages(howMany)} ${inGroup}`,
    several: (howManyChats) => `Neue Nachrichten in ${chats(howManyChats)}`,
    lead: "Das kam, während Sie nicht da waren:",
    button: "Lesen und antworten",
    why: "Sie erhalten diese E-Mail, weil Ihnen geschrieben wurde, während Sie nicht da waren.",
    unsubscribe: "Keine solchen E-Mails mehr erhalten",
  },
  digest: {
    direct: (name, howMany) => `${unread(howMany)} von ${name}`,
    group: (howMany, inGroup) => `${unread(howMany)} ${inGroup}`,
    several: (howMany, howManyChats) => `${unread(howMany)} in ${chats(howManyChats)}`,
    many: (howManyChats) => `Ungelesene Nachrichten in ${chats(howManyChats)}`,
    lead: "Das haben Sie noch nicht gelesen:",
    button: "Alles lesen",
    why: "Sie erhalten diese E-Mail, weil es Nachrichten gibt, die Sie nicht gelesen haben. Wie oft sie kommt, steht in Ihren Einstellungen.",
    unsubscribe: "Keine solchen E-Mails mehr erhalten",
  },

  sentBy: (sender) => `Gesendet von ${sender}`,
};

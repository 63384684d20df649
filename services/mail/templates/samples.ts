import type { MailJob } from "@confab/contracts";
import type { DataOf } from "./template.ts";

/* Every mail filled in, for whoever looks at templates: people in the preview, tests as they go through all of them. */

const happened = { at: "2026-03-14T15:09:26.000Z", device: "Firefox on Linux", address: "203.0.113.7" };
const userId = "018f0000-0000-7000-8000-000000000001";
const url = "https://chat.example.org/";
const message = (name: string, text: string, minute: number, isMention = false) => ({
  name,
  text,
  at: new Date(Date.parse(happened.at) + minute * 60_000).toISOString(),
  isMention,
});
type Messages = DataOf<"digest">["chats"][number]["messages"];
const chat = (at: number, title: string, isDirect: boolean, count: number, messages: Messages) => ({
  ...{ chatId: `018f0000-0000-7000-8000-00000000010${at}`, title, isDirect, count, messages },
  fromSeq: 0,
  toSeq: count,
});

/** One of each template at least, under the template's name, or with a word after it where there are several. */
const samples = {
  code: { template: "code", data: { code: "482913", minutes: 10 } },
  "register-code": { template: "register-code", data: { code: "105370", minutes: 10 } },
  "reset-code": { template: "reset-code", data: { code: "730046", minutes: 10 } },
  "email-code": { template: "email-code", data: { code: "298471", minutes: 1 } },
  "known-address": { template: "known-address", data: {} },
  "unknown-address": { template: "unknown-address", data: {} },
  "password-changed": { template: "password-changed", data: happened },
  "email-changed": { template: "email-changed", data: { ...happened, newEmail: "ann@example.com" } },
  "totp-changed (on)": { template: "totp-changed", data: { ...happened, on: true } },
  "totp-changed (off)": { template: "totp-changed", data: { ...happened, device: "", address: "", on: false } },
  "new-device": { template: "new-device", data: happened },
  "export-ready": {
    template: "export-ready",
    data: {
      url: "https://chat.example.org/exports/018f0000-0000-7000-8000-00000000000e?token=dGhlIHRva2VuIG9mIHRoZSBhcmNoaXZl",
      days: 7,
    },
  },
  "erasure-begun": { template: "erasure-begun", data: { eraseAt: "2026-03-21T15:09:26.000Z" } },
  invitation: {
    template: "invitation",
    data: { by: "Bob Baker", title: "Garden team", url: "https://chat.example.org/#/invites/p6cHq3rV0mXw" },
  },
  "notification (direct)": {
    template: "notification",
    data: {
      userId,
      name: "Ann",
      chats: [
        chat(1, "Bob Baker", true, 1, [
          message("Bob Baker", "Are you coming tonight?\nWe meet at eight, behind the old mill.", 0),
        ]),
      ],
      more: 0,
      url,
    },
  },
  "notification (mention)": {
    template: "notification",
    data: {
      userId,
      name: "Ann",
      chats: [chat(2, "Garden team", false, 1, [message("Carol", "@Ann can you bring the ladder on Saturday?", 0, true)])],
      more: 0,
      url,
      timeZone: "Europe/Berlin",
    },
  },
  digest: {
    template: "digest",
    data: {
      userId,
      name: "Ann",
      chats: [
        chat(3, "Garden team", false, 12, [
          message("Carol", "The tomatoes are in. Who waters them until Sunday?", 0),
          message("Dave", "I can, but not on Friday 🌱", 4),
          message("Carol", "@Ann can you take Friday?", 9, true),
        ]),
        chat(4, "Bob Baker", true, 2, [
          message("Bob Baker", "Are you coming tonight?", 11),
          message("Bob Baker", "We meet at eight, behind the old mill: https://example.org/map?place=mill", 12),
        ]),
        chat(5, "دانا", true, 1, [message("دانا", "مرحبا، هل وصلت؟", 20)]),
      ],
      more: 3,
      url,
      timeZone: "Europe/Berlin",
    },
  },
} as const satisfies Record<string, Pick<MailJob, "template"> & { data: unknown }>;

/** Each as a job has it, and whether whoever gets it can end such mails. */
export const sampleJobs = Object.entries(samples).map(([title, sample]) => ({
  title,
  job: { to: "ann@example.org", ...sample } as unknown as MailJob,
  canEnd: ["invitation", "notification", "digest"].includes(sample.template),
}));

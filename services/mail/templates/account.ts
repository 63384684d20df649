import { button, paragraph, type Block } from "./letter.ts";
import { line } from "./plain.ts";
import type { DataOf, Template } from "./template.ts";
import type { Words } from "./words/words.ts";

/* What happened, or was asked for, about an account. */

const facts = ({ at, device, address }: DataOf<"new-device">, words: Words): Block => ({
  kind: "facts",
  facts: [
    [words.when, words.time(at)],
    [words.device, line(device, 100) || words.unknown],
    [words.place, line(address, 60) || words.unknown],
  ],
});

export const knownAddress: Template<"known-address"> = (_data, { words, publicUrl }) => {
  const { subject, lead, button: label } = words["known-address"];
  return { subject, blocks: [paragraph(lead), button(label, publicUrl), paragraph(words.notMe)], foot: [] };
};

export const unknownAddress: Template<"unknown-address"> = (_data, { words }) => {
  const { subject, lead } = words["unknown-address"];
  return { subject, blocks: [paragraph(lead), paragraph(words.notMe)], foot: [] };
};

export const passwordChanged: Template<"password-changed"> = (data, { words }) => {
  const { subject, lead } = words["password-changed"];
  return { subject, blocks: [paragraph(lead), facts(data, words), paragraph(words.notYou)], foot: [] };
};

export const emailChanged: Template<"email-changed"> = (data, { words }) => {
  const { subject, lead, otherwise } = words["email-changed"];
  return {
    subject,
    blocks: [paragraph(lead(line(data.newEmail, 254))), facts(data, words), paragraph(otherwise)],
    foot: [],
  };
};

export const totpChanged: Template<"totp-changed"> = (data, { words }) => {
  const { subject, lead } = words["totp-changed"][data.on ? "on" : "off"];
  return { subject, blocks: [paragraph(lead), facts(data, words), paragraph(words.notYou)], foot: [] };
};

export const newDevice: Template<"new-device"> = (data, { words }) => {
  const { subject, lead } = words["new-device"];
  return { subject, blocks: [paragraph(lead), facts(data, words), paragraph(words.notYou)], foot: [] };
};

export const exportReady: Template<"export-ready"> = ({ url, days }, { words }) => {
  const { subject, lead, button: label, until } = words["export-ready"];
  return { subject, blocks: [paragraph(lead), button(label, url), paragraph(until(days))], foot: [] };
};

export const erasureBegun: Template<"erasure-begun"> = ({ eraseAt }, { words, publicUrl }) => {
  const { subject, lead, keep, button: label } = words["erasure-begun"];
  const blocks = [paragraph(lead(words.time(eraseAt))), paragraph(keep), button(label, publicUrl)];
  return { subject, blocks, foot: [] };
};

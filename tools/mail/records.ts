import { createPublicKey } from "node:crypto";
import { readDkimKey, type DkimSettings } from "../../services/mail/transports/dkim.ts";

/** The texts of a name's TXT records, each in the pieces that DNS keeps it in. */
export type ResolveTxt = (name: string) => Promise<string[][]>;

export interface Finding {
  state: "ok" | "missing" | "wrong" | "unknown";
  words: string;
}

/** Looks at what the DNS says of who may send as this domain, as those will who get its mails. */
export async function findRecords(from: string, settings: DkimSettings, resolveTxt: ResolveTxt): Promise<Finding[]> {
  const domain = from.split("@").at(-1)!.toLowerCase();
  if (!domain.includes("."))
    return [
      {
        state: "wrong",
        words: `MAIL_FROM is at ${domain}, which is no domain of the internet: hardly any server will take its mails.`,
      },
    ];
  const lookUp = async (name: string, mark: RegExp) => {
    try {
      return (await resolveTxt(name)).map((pieces) => pieces.join("")).filter((text) => mark.test(text));
    } catch (err) {
      if (["ENOTFOUND", "ENODATA"].includes((err as { code?: string }).code ?? "")) return [];
      return undefined;
    }
  };
  return Promise.all([findSpf(domain, lookUp), findDkim(domain, settings, lookUp), findDmarc(domain, lookUp)]);
}

/** Undefined where the DNS does not say. */
type LookUp = (name: string, mark: RegExp) => Promise<string[] | undefined>;

const unsaid = (what: string, name: string): Finding => ({
  state: "unknown",
  words: `${what}: the DNS does not answer about ${name} from here.`,
});

async function findSpf(domain: string, lookUp: LookUp): Promise<Finding> {
  const found = await lookUp(domain, /^v=spf1(\s|$)/i);
  if (!found) return unsaid("SPF", domain);
  const [record, ...more] = found;
  if (record === undefined)
    return {
      state: "missing",
      words: `SPF: ${domain} does not say who sends for it. Your provider tells what to publish there as TXT, such as: v=spf1 include:_spf.your-provider.example ~all`,
    };
  if (more.length > 0)
    return { state: "wrong", words: `SPF: ${domain} has several records that begin with v=spf1, so none counts. Make them one.` };
  if (/\s\+?all\s*$/i.test(record)) return { state: "wrong", words: `SPF: ${domain} lets everybody send for it: ${record}` };
  return { state: "ok", words: `SPF: ${domain} has ${record}. Does it name who sends here?` };
}

async function findDkim(domain: string, settings: DkimSettings, lookUp: LookUp): Promise<Finding> {
  const { DKIM_DOMAIN, DKIM_SELECTOR, DKIM_PRIVATE_KEY } = settings;
  if (!DKIM_DOMAIN || !DKIM_SELECTOR || !DKIM_PRIVATE_KEY)
    return {
      state: "unknown",
      words:
        "DKIM: Confab does not sign, since DKIM_DOMAIN, DKIM_SELECTOR and DKIM_PRIVATE_KEY are not set. Look in a mail that arrived whether your provider does.",
    };
  const name = `${DKIM_SELECTOR}._domainkey.${DKIM_DOMAIN}`;
  const key = createPublicKey(readDkimKey(DKIM_PRIVATE_KEY)!).export({ format: "der", type: "spki" }).toString("base64");
  const wanted = `v=DKIM1; k=rsa; p=${key}`;
  const found = await lookUp(name, /(^|;)\s*p=/i);
  if (!found) return unsaid("DKIM", name);
  if (found.length === 0) return { state: "missing", words: `DKIM: ${name} has no key. Publish there as TXT: ${wanted}` };
  const published = found.map((record) => /(?:^|;)\s*p=([^;]*)/i.exec(record)![1]!.replace(/\s/g, ""));
  if (found.length > 1 || published[0] !== key)
    return {
      state: "wrong",
      words: `DKIM: ${name} has another key than DKIM_PRIVATE_KEY, or several. Publish there, alone: ${wanted}`,
    };
  const signer = DKIM_DOMAIN.toLowerCase();
  if (signer !== domain && !domain.endsWith(`.${signer}`) && !signer.endsWith(`.${domain}`))
    return {
      state: "wrong",
      words: `DKIM: ${signer} signs, but mails come from ${domain}. For DMARC the two must be of one domain.`,
    };
  return { state: "ok", words: `DKIM: ${name} has the key that signs.` };
}

async function findDmarc(domain: string, lookUp: LookUp): Promise<Finding> {
  // Of the domain itself, else of the one that it belongs to.
  const labels = domain.split(".");
  for (let at = 0; at <= labels.length - 2; at++) {
    const name = `_dmarc.${labels.slice(at).join(".")}`;
    const found = await lookUp(name, /^v=DMARC1\s*(;|$)/i);
    if (!found) return unsaid("DMARC", name);
    if (found.length > 1) return { state: "wrong", words: `DMARC: ${name} has several records, so none counts. Make them one.` };
    if (found.length === 1) return { state: "ok", words: `DMARC: ${name} has ${found[0]}` };
  }
  return {
    state: "missing",
    words: `DMARC: _dmarc.${domain} is empty; large providers want a record of those who send much. To begin with: v=DMARC1; p=none; rua=mailto:postmaster@${domain}`,
  };
}

export interface MailgunAddress {
  /** Of the domain, without the key. */
  url: string;
  key: string;
}

export const mailgunUrlShape = "https://api:<key>@api.mailgun.net/v3/<domain>, or that of another region";

/** What MAILGUN_URL says; nothing where it says something else. The key leaves the machine encrypted only. */
export function readMailgunUrl(given: string): MailgunAddress | undefined {
  if (!URL.canParse(given)) return undefined;
  const { protocol, host, hostname, pathname, password, search, hash } = new URL(given);
  if (protocol !== "https:" && !(protocol === "http:" && ["localhost", "127.0.0.1"].includes(hostname))) return undefined;
  if (!password || search || hash || !/^\/v\d+\/[^/]+\/?$/.test(pathname)) return undefined;
  try {
    return { url: `${protocol}//${host}${pathname.replace(/\/$/, "")}`, key: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

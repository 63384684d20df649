import { languageOf } from "./language.ts";

test.each([
  ["de", "de"],
  ["de-AT,de;q=0.9,en;q=0.8", "de"],
  ["fr-FR,fr;q=0.9,en;q=0.5,de;q=0.4", "en"],
  ["DE", "de"],
  ["en;q=0.1, de;q=0.2", "de"],
  ["fr, de;q=0.5, *;q=0.1", "de"],
  // Nothing is said by these: the mails' own language is as good as any.
  ["*", undefined],
  ["fr", undefined],
  ["fr, *;q=0.5", undefined],
  ["de;q=0", undefined],
  ["", undefined],
  [undefined, undefined],
  // Nor by what is no language.
  ["../../etc/passwd", undefined],
  ["x-any", undefined],
  ["__proto__, constructor", undefined],
  [", ;;q=,,;q=1;", undefined],
])("%j asks for %s", (header, language) => {
  expect(languageOf({ headers: header === undefined ? {} : { "accept-language": header } })).toBe(language);
});

/** The names that operating systems give to one and the same libc locale. */

/** Windows names of locales (Azure Single Server ran on Windows), as the rest of the world calls them. */
const windowsLocales: Readonly<Record<string, string>> = {
  "english_united states": "en_US",
  "english_united kingdom": "en_GB",
  german_germany: "de_DE",
  french_france: "fr_FR",
  spanish_spain: "es_ES",
  italian_italy: "it_IT",
  dutch_netherlands: "nl_NL",
  portuguese_brazil: "pt_BR",
  portuguese_portugal: "pt_PT",
  polish_poland: "pl_PL",
  swedish_sweden: "sv_SE",
  russian_russia: "ru_RU",
  turkish_turkey: "tr_TR",
  japanese_japan: "ja_JP",
  korean_korea: "ko_KR",
  chinese_china: "zh_CN",
};

const unixName = /^(?<language>[A-Za-z]{1,3}(?:_[A-Za-z]{2,3})?)(?:\.(?<codeset>[A-Za-z0-9-]+))?(?<modifier>@\w+)?$/;
const windowsName = /^(?<language>[A-Za-z]+_[A-Za-z .]+?)\.(?:\d+|utf-?8)$/i;

/** The given name first, then what other systems call it: "en_US.UTF-8" is "en_US.utf8" elsewhere. Each once. */
export function localeSpellings(name: string): string[] {
  const windows = windowsName.exec(name)?.groups?.language;
  const equivalent = windows === undefined ? undefined : windowsLocales[windows.toLowerCase()];
  if (equivalent !== undefined) return [name, ...codesets("utf8").map((codeset) => `${equivalent}.${codeset}`)];
  if (name === "C" || name === "POSIX") return ["C"];
  const { language, codeset, modifier = "" } = unixName.exec(name)?.groups ?? {};
  if (language === undefined || codeset === undefined) return [name];
  return [...new Set([name, ...codesets(codeset).map((spelling) => `${language}.${spelling}${modifier}`)])];
}

/** glibc lists a codeset in lower case without hyphens and accepts most spellings; others accept only their own. */
function codesets(codeset: string): string[] {
  const bare = codeset.toLowerCase().replaceAll("-", "");
  if (bare === "utf8") return ["UTF-8", "utf8", "UTF8"];
  const iso = /^iso8859(\d+)$/.exec(bare)?.[1];
  return iso === undefined ? [codeset, codeset.toUpperCase(), bare] : [`ISO-8859-${iso}`, `ISO8859-${iso}`, bare];
}

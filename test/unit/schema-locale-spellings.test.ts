import { expect, test } from "vitest";
import { localeSpellings } from "../../shared/postgres/locale-spellings.js";

test.each([
  ["en_US.UTF-8", ["en_US.UTF-8", "en_US.utf8", "en_US.UTF8"]],
  ["en_US.utf8", ["en_US.utf8", "en_US.UTF-8", "en_US.UTF8"]],
  ["de_DE.UTF-8@euro", ["de_DE.UTF-8@euro", "de_DE.utf8@euro", "de_DE.UTF8@euro"]],
  ["C.UTF-8", ["C.UTF-8", "C.utf8", "C.UTF8"]],
  ["fr_FR.iso88591", ["fr_FR.iso88591", "fr_FR.ISO-8859-1", "fr_FR.ISO8859-1"]],
  ["English_United States.1252", ["English_United States.1252", "en_US.UTF-8", "en_US.utf8", "en_US.UTF8"]],
  ["POSIX", ["C"]],
  ["C", ["C"]],
  ["de_DE", ["de_DE"]],
  ["what's this?", ["what's this?"]],
])("%j is called %j", (name, spellings) => {
  expect(localeSpellings(name)).toEqual(spellings);
});

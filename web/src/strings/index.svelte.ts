/** Words in the language of the person: `t("section.key", {name: value})`. */

import { en } from "./en";

/** Every language has the same words. */
export type Words = Same<typeof en>;
type Same<T> = { [Key in keyof T]: T[Key] extends string ? string : Same<T[Key]> };
type Keys<T> = {
  [Key in keyof T & string]: T[Key] extends string ? Key : `${Key}.${Keys<T[Key]>}`;
}[keyof T & string];
export type Key = Keys<Words>;

export const LANGUAGES = { en: "English", ko: "한국어" } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = "livelens.language";
const OTHERS: Readonly<Record<Exclude<Language, "en">, () => Promise<Words>>> = {
  ko: async () => (await import("./ko")).ko,
};

let language = $state<Language>("en");
let words = $state.raw<Words>(en);

export function currentLanguage(): Language {
  return language;
}

export async function chooseLanguage(chosen: Language): Promise<void> {
  words = chosen === "en" ? en : await OTHERS[chosen]();
  language = chosen;
  document.documentElement.lang = chosen;
  localStorage.setItem(STORED, chosen);
}

/** The language chosen before, else the browser's if we have it. */
export async function startLanguage(): Promise<void> {
  const wished = [localStorage.getItem(STORED) ?? "", ...navigator.languages];
  const known = wished.map((each) => each.slice(0, 2)).find((each) => each in LANGUAGES);
  if (known !== undefined && known !== "en") await chooseLanguage(known as Language);
  else document.documentElement.lang = "en";
}

export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  let found: unknown = words;
  for (const part of key.split(".")) found = (found as Record<string, unknown>)[part];
  return String(found).replace(/{(\w+)}/g, (all, name: string) => {
    const value = values[name];
    if (value === undefined) return all;
    return typeof value === "number" ? number(value) : value;
  });
}

/** Making one takes longer than all that it will ever format. */
const formats = new Map<string, Intl.NumberFormat>();

/** A number as people write it here. */
export function number(value: number, digits = 0): string {
  const key = `${language} ${digits}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(language, {
      maximumFractionDigits: digits,
      minimumFractionDigits: digits,
    });
    formats.set(key, format);
  }
  return format.format(value);
}

/** A day and time as people write it here, in their time zone. */
export function dateTime(unixMs: number): string {
  return new Date(unixMs).toLocaleString(language, { dateStyle: "medium", timeStyle: "medium" });
}

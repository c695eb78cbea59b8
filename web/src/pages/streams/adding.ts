/** What the parts of "Add a source" share. */

import { number, t } from "../../strings/index.svelte";

/** What somebody has chosen so far. */
export interface Choice {
  /** What to post as the source; null while nothing can be used. */
  source: string | object | null;
  /** What the stream could be called. */
  suggested: string;
  /** To be uploaded before. */
  file: File | null;
}

export const NOTHING: Choice = { source: null, suggested: "", file: null };

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const UNITS = ["B", "kB", "MB", "GB"] as const;

/** What is wrong with a stream's name; "" where nothing is. */
export function nameFault(name: string, taken: readonly string[]): string {
  if (!ID.test(name)) return t("addSource.nameCharacters");
  return taken.includes(name) ? t("addSource.nameTaken", { name }) : "";
}

/** `clip.part.mp4` → `clip-part`; with a number where that is taken. */
export function nameOfFile(file: string, taken: readonly string[]): string {
  const stem = file.replace(/\.[^.]*$/, "");
  const words = stem.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[-_]+|[-_]+$/g, "");
  const wanted = words.slice(0, 40) || "clip";
  let name = wanted;
  for (let count = 2; taken.includes(name); count += 1) name = `${wanted}-${count}`;
  return name;
}

/** `1.5 GB`, in powers of 1024 as the server counts. */
export function size(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const uneven = Math.round(value * 10) % 10 !== 0;
  return `${number(value, unit > 1 && value < 10 && uneven ? 1 : 0)} ${UNITS[unit]}`;
}

/** `1:05` */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

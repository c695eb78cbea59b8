/** What settings are called: in our words where we have some, else by their own names. */

import { en } from "../../strings/en";
import { type Key, t } from "../../strings/index.svelte";

export function labelOf(key: string): string {
  if (key in en.edit.labels) return t(`edit.labels.${key}` as Key);
  const words = key.replaceAll("_", " ").replace(/ s$/, " (s)").replace(/ px$/, " (px)");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What the server says of a setting, as a sentence for people who write no Python. */
export function hintOf(description: string): string {
  const plain = description.replaceAll("`", "").replace(/\bNone\b/g, "empty");
  return plain.replace(/(^|\. )([a-z])/g, (_, before: string, letter: string) => {
    return before + letter.toUpperCase();
  });
}

/** What a stage is called: its own name, or that of its algorithm. */
export function titleOf(stage: { readonly [key: string]: unknown }): string {
  const { model, tracker } = stage;
  const type = String(stage.type);
  const what = type in en.edit.kinds ? t(`edit.kinds.${type}` as Key) : type;
  const which = model ?? tracker;
  return typeof which === "string" ? `${what}: ${which.split("/").at(-1)}` : what;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

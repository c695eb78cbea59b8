/** What settings are called: in our words where we have some, else by their own names. */

import { en } from "../../strings/en";
import { type Key, t } from "../../strings/index.svelte";
import { spelled } from "./form";

export function labelOf(key: string): string {
  if (key in en.edit.labels) return t(`edit.labels.${key}` as Key);
  return spelled(key);
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

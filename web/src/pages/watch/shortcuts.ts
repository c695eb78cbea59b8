/** Keys of the viewer. */

import type { LayerName } from "../../player/layers";

export type Command =
  | "full"
  | "window"
  | "snapshot"
  | "sound"
  | "json"
  | "network"
  | "delay"
  | "rendition"
  | "framing"
  | "shot"
  | "timing"
  | "colour"
  | "help";

export const COMMAND_KEYS: readonly (readonly [string, Command])[] = [
  ["f", "full"],
  ["p", "window"],
  ["s", "snapshot"],
  ["m", "sound"],
  ["j", "json"],
  ["n", "network"],
  ["i", "delay"],
  ["d", "rendition"],
  ["r", "framing"],
  ["u", "shot"],
  ["w", "timing"],
  ["v", "colour"],
  ["?", "help"],
];

export const LAYER_KEYS: readonly (readonly [string, LayerName])[] = [
  ["b", "boxes"],
  ["l", "labels"],
  ["c", "confidence"],
  ["a", "attributes"],
  ["t", "trails"],
  ["k", "keypoints"],
  ["y", "body"],
  ["h", "hands"],
  ["e", "face"],
  ["x", "mask"],
  ["z", "zones"],
  ["g", "grid"],
  ["o", "viewport"],
];

/** The letter on the key, whatever language the keyboard writes; null for what is no shortcut. */
export function letterOf(event: {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === "?") return "?";
  if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
  return /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : null;
}

/** Inputs that letters mean nothing to. */
const LETTERLESS: ReadonlySet<string> = new Set(["checkbox", "range"]);

/** Whether what has the focus takes letters itself. */
export function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName)
    ? !(target instanceof HTMLInputElement && LETTERLESS.has(target.type))
    : target.closest("dialog") !== null;
}

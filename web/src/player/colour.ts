/** Colours of objects: equal ids get equal ones. */

import type { DetectedObject } from "../client";

/** The golden angle keeps neighbours apart; all are as bright, so that dark letters can be read. */
export function colourOfNumber(key: number): string {
  return `oklch(80% 0.17 ${((key * 137.508 + 145) % 360).toFixed(1)})`;
}

export function colourOf(object: DetectedObject, by: "track" | "class" = "track"): string {
  const track = by === "track" ? object.tracker_id : null;
  return colourOfNumber(track ?? classKey(object));
}

/** Two detectors number their classes apart, but call them alike. */
function classKey({ class_name: name, class_id: id }: DetectedObject): number {
  let key = id * 7;
  for (const letter of name) key = (key * 31 + (letter.codePointAt(0) ?? 0)) % 1009;
  return key;
}

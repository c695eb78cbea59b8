/** What is known about an object, in few words. */

import type { DetectedObject, ObjectAttribute } from "../client";

/** Attributes that are drawn or belong together with another one; not written out. */
const SILENT = new Set(["age", "pitch", "roll", "type", "heading", "upper_color", "lower_color"]);
const UNKNOWN = new Set(["unknown", "none"]);

export function nameOf(object: DetectedObject): string {
  const name = object.class_name || `class ${object.class_id}`;
  return typeof object.tracker_id === "number" ? `${name} ${object.tracker_id}` : name;
}

/** "Ada · female · 30-34 · happy"; empty when nothing is known. */
export function describe(object: DetectedObject): string {
  const known = object.attributes ?? {};
  return Object.entries(known)
    .filter(([name]) => !SILENT.has(name) || (name === "age" && known.age_range === undefined))
    .map(([name, attribute]) => said(name, attribute, known))
    .filter((words) => words !== "")
    .join(" · ");
}

function said(
  name: string,
  { value }: ObjectAttribute,
  known: Record<string, ObjectAttribute>,
): string {
  if (typeof value === "boolean") return value ? name : "";
  if (typeof value === "number") {
    const digits = Math.abs(value) < 10 ? 1 : 0;
    if (name === "speed") return `${value.toFixed(0)} px/s`;
    return `${name} ${value.toFixed(digits)}`;
  }
  if (typeof value !== "string" || UNKNOWN.has(value)) return "";
  const colour = known[`${name}_color`]?.value;
  return typeof colour === "string" ? `${colour} ${value}` : value;
}

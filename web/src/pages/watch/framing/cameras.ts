/** Virtual cameras of a stream: what their stages say, and how to change that. Pure. */

import type { DetectedObject, StreamSpec } from "../../../client";
import { holds, type Point, type Size } from "../../../player/viewport";
import { type Json, type Settings, same } from "../../edit/form";

/** A stage `reframe`, by the name that its viewports go by. */
export interface Camera {
  readonly name: string;
  /** Among the stages. */
  readonly index: number;
  readonly settings: Settings;
}

/** What is changed of a camera; undefined takes a setting away, for its default. */
export type Change = Readonly<Record<string, Json | undefined>>;

export const ASPECTS = ["9:16", "1:1", "4:5", "16:9", "source"] as const;
const LEAST_ASPECT = 0.1;
const MOST_ASPECT = 10;
/** A click may miss somebody by so much of the picture's width. */
const MISS = 0.03;

export function camerasOf(spec: StreamSpec | undefined): Camera[] {
  return (spec?.stages ?? []).flatMap((stage, index) =>
    stage.type === "reframe"
      ? [{ name: stage.name || "reframe", index, settings: stage as Settings }]
      : [],
  );
}

export function changed(settings: Settings, change: Change): Settings {
  const entries = Object.entries({ ...settings, ...change });
  return Object.fromEntries(
    entries.filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}

/** What of a change these settings do not say yet; null where nothing is left of it. */
export function outstanding(settings: Settings, change: Change): Change | null {
  const left = Object.entries(change).filter(
    ([key, value]) => !same(settings[key] ?? null, value ?? null),
  );
  return left.length === 0 ? null : Object.fromEntries(left);
}

/** The stages with the change made to the camera of this name; null where there is none. */
export function withChange(
  stages: readonly Settings[],
  name: string,
  change: Change,
): readonly Settings[] | null {
  const camera = camerasOf({ stages: stages as StreamSpec["stages"] & object }).find(
    (each) => each.name === name,
  );
  if (camera === undefined) return null;
  return stages.map((stage, i) => (i === camera.index ? changed(stage, change) : stage));
}

/** Whether the server will take it: "9:16", "2.39:1", "1.85" or "source". */
export function isAspect(text: string): boolean {
  if (text === "source") return true;
  const found = /^\s*(\d*\.?\d+)\s*(?::\s*(\d*\.?\d+)\s*)?$/.exec(text);
  if (found === null) return false;
  const ratio = Number(found[1]) / Number(found[2] ?? 1);
  return ratio >= LEAST_ASPECT && ratio <= MOST_ASPECT;
}

/** Width by height of an aspect, for a small picture of it. */
export function ratioOf(aspect: string, source: Size): number {
  if (aspect === "source") return source[0] / source[1];
  const [width, height = "1"] = aspect.split(":");
  return Number(width) / Number(height);
}

/** Those that this camera would show at all. */
export function subjectsAmong(
  objects: readonly DetectedObject[],
  settings: Settings,
): readonly DetectedObject[] {
  const { classes } = settings;
  if (!Array.isArray(classes) || classes.length === 0) return objects;
  return objects.filter(({ class_name: name }) => classes.includes(name));
}

/** Who is meant by a click here: the smallest box around it, else the nearest one close by. */
export function chosenAt(
  objects: readonly DetectedObject[],
  point: Point,
  frame: Size,
): DetectedObject | null {
  const around = objects.filter(({ box }) => holds(box, point));
  if (around.length > 0) return around.toSorted((a, b) => areaOf(a) - areaOf(b))[0] ?? null;
  const near = objects
    .map((object) => ({ object, off: distanceTo(object, point) }))
    .filter(({ off }) => off <= MISS * frame[0])
    .toSorted((a, b) => a.off - b.off);
  return near[0]?.object ?? null;
}

/** What a click sets: whoever is here is followed, whatever was before. */
export function following(point: Point, frame: Size): Change {
  const part = (at: number, of: number) =>
    Math.min(Math.max(Math.round((at / of) * 10_000) / 10_000, 0), 1);
  return { point: [part(point[0], frame[0]), part(point[1], frame[1])], tracker_id: null };
}

export const AUTOMATIC: Change = { point: null, tracker_id: null };

function areaOf({ box }: DetectedObject): number {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

function distanceTo({ box }: DetectedObject, [x, y]: Point): number {
  const dx = Math.max(box[0] - x, 0, x - box[2]);
  const dy = Math.max(box[1] - y, 0, y - box[3]);
  return Math.hypot(dx, dy);
}

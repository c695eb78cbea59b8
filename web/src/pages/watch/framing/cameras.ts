/** Virtual cameras of a stream: what their stages say, and how to change that. Pure. */

import type { DetectedObject, StreamSpec } from "../../../client";
import type { Point, Size } from "../../../player/viewport";
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
/** A click beside somebody means them if it is so near: in their sizes, in parts of the picture. */
const BESIDE = 0.25;
const BESIDE_PICTURE = 0.02;

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
  const { classes, weights } = settings;
  const asked = Array.isArray(classes) && classes.length > 0 ? classes : null;
  const weight = new Map(isMapping(weights) ? Object.entries(weights) : []);
  return objects.filter(
    ({ class_name: name }) => (asked?.includes(name) ?? true) && weight.get(name) !== 0,
  );
}

/** Who is meant by a click here, as the server sees it: the smallest around it, else who is near. */
export function chosenAt(
  objects: readonly DetectedObject[],
  point: Point,
  frame: Size,
): DetectedObject | null {
  const beside = BESIDE_PICTURE * Math.max(...frame);
  const near = objects
    .map((object) => ({ object, far: farFrom(object, point, beside) }))
    .filter(({ far }) => far <= 1)
    .toSorted((a, b) => a.far - b.far || areaOf(a.object) - areaOf(b.object));
  return near[0]?.object ?? null;
}

/** What a click sets: whoever is here is followed, whatever was before. */
export function following(point: Point, frame: Size): Change {
  const part = (at: number, of: number) =>
    Math.min(Math.max(Math.round((at / of) * 10_000) / 10_000, 0), 1);
  return { point: [part(point[0], frame[0]), part(point[1], frame[1])], tracker_id: null };
}

export const AUTOMATIC: Change = { point: null, tracker_id: null };

function isMapping(value: Json | undefined): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areaOf({ box }: DetectedObject): number {
  return (box[2] - box[0]) * (box[3] - box[1]);
}

/** 0 inside, 1 where it is too far to be meant. */
function farFrom({ box }: DetectedObject, [x, y]: Point, beside: number): number {
  const off = Math.max(box[0] - x, x - box[2], 0) + Math.max(box[1] - y, y - box[3], 0);
  return off / Math.max(BESIDE * Math.max(box[2] - box[0], box[3] - box[1]), beside);
}

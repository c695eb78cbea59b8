/** What virtual cameras show: viewports of frames, and the way from a frame to a shot and back. */

import type { Box, Viewport } from "../client";

export type Size = readonly [number, number];
export type Point = readonly [number, number];

/** Aspects nearer to each other than this are the same: sizes are rounded to even pixels. */
const ALIKE = 0.03;

/** Where the pixels of a frame lie on a picture: `at * scale + left`, `at * scale + top`. */
export interface Placing {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
  /** The part of the frame that is seen. */
  readonly seen: Box;
}

/** A frame that fills a picture of this size, in its shape or not. */
export function wholeIn(frame: Size, picture: Size): Placing {
  return {
    scaleX: picture[0] / Math.max(frame[0], 1),
    scaleY: picture[1] / Math.max(frame[1], 1),
    left: 0,
    top: 0,
    seen: [0, 0, frame[0], frame[1]],
  };
}

/** A viewport in a shot of this size: as large as it fits, whole, in the middle. */
export function shownIn(box: Box, shot: Size): Placing {
  const width = Math.max(box[2] - box[0], 1e-6);
  const height = Math.max(box[3] - box[1], 1e-6);
  const fit = Math.min(shot[0] / width, shot[1] / height);
  // A shot's size is rounded to whole pixels; what is of its shape fills it.
  const fills = alike(width / height, shot[0] / shot[1]);
  const scaleX = fills ? shot[0] / width : fit;
  const scaleY = fills ? shot[1] / height : fit;
  return {
    scaleX,
    scaleY,
    left: (shot[0] - width * scaleX) / 2 - box[0] * scaleX,
    top: (shot[1] - height * scaleY) / 2 - box[1] * scaleY,
    seen: box,
  };
}

export function toPicture([x, y]: Point, placing: Placing): Point {
  return [x * placing.scaleX + placing.left, y * placing.scaleY + placing.top];
}

/** The pixel of the frame below a place on the picture; null where none is, on padding say. */
export function toFrame([x, y]: Point, placing: Placing): Point | null {
  const at: Point = [(x - placing.left) / placing.scaleX, (y - placing.top) / placing.scaleY];
  return holds(placing.seen, at) ? at : null;
}

export function holds([left, top, right, bottom]: Box, [x, y]: Point): boolean {
  return x >= left && x <= right && y >= top && y <= bottom;
}

/** Whether two boxes share anything. */
export function meet(a: Box, b: Box): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/**
 * The camera that a picture is seen by, by name; null: it is the whole frame.
 *
 * After a change of rendition, pictures of the one before still come for a while: what is
 * wanted counts as long as the picture's shape does not speak against it.
 */
export function cameraOf(
  picture: Size,
  frame: Size,
  viewports: Readonly<Record<string, Viewport>>,
  wanted: string | null,
): string | null {
  const shape = picture[0] / Math.max(picture[1], 1);
  const shapes: [string | null, number][] = [[null, frame[0] / Math.max(frame[1], 1)]];
  for (const [name, { aspect }] of Object.entries(viewports)) shapes.push([name, aspect]);
  const own = shapes.find(([name]) => name === wanted);
  if (own !== undefined && alike(own[1], shape)) return wanted;
  const off = (aspect: number) => Math.abs(Math.log(aspect / shape));
  const nearest = shapes.toSorted(([, a], [, b]) => off(a) - off(b));
  return nearest[0]?.[0] ?? null;
}

/**
 * Viewports at `t` between two frames; beyond 1 as at the later one: nobody knows where a camera
 * goes. Across a cut they stay where the nearer frame has them.
 */
export function viewportsAt(
  before: Readonly<Record<string, Viewport>>,
  after: Readonly<Record<string, Viewport>>,
  t: number,
): Record<string, Viewport> {
  const near = t < 0.5 ? before : after;
  const found: Record<string, Viewport> = {};
  for (const [name, viewport] of Object.entries(near)) {
    const [from, to] = [before[name], after[name]];
    const moves = from !== undefined && to !== undefined && !to.cut && t <= 1;
    found[name] = moves ? { ...viewport, box: between(from.box, to.box, t) } : viewport;
  }
  return found;
}

/** What is written at the frame of a camera: of `among` cameras. */
export type CameraWords = (name: string, viewport: Viewport, among: number) => string;

export function wordsOf(
  viewports: Readonly<Record<string, Viewport>>,
  words: CameraWords,
): Record<string, string> {
  const all = Object.entries(viewports);
  return Object.fromEntries(all.map(([name, each]) => [name, words(name, each, all.length)]));
}

function between(a: Box, b: Box, t: number): Box {
  const at = (i: 0 | 1 | 2 | 3) => a[i] + (b[i] - a[i]) * t;
  return [at(0), at(1), at(2), at(3)];
}

function alike(a: number, b: number): boolean {
  return Math.abs(Math.log(a / b)) < ALIKE;
}

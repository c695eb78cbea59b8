/** Boxes, labels and landmarks on a canvas that lies over the picture. */

import type { DetectedObject, LandmarkSet } from "../client";
import { BONES } from "./skeleton";
import type { Drawing } from "./timeline";
import { describe, nameOf } from "./words";

export interface Layers {
  boxes: boolean;
  labels: boolean;
}

/** A point that is probably hidden or outside the picture is not drawn. */
const VISIBLE = 0.5;

/** Equal ids get equal colours; the golden angle keeps neighbours apart. */
export function colourOf(object: DetectedObject): string {
  const key = object.tracker_id ?? object.class_id * 7;
  return `hsl(${(key * 137.508) % 360} 90% 62%)`;
}

/** Gives the canvas the pixels that the screen has for it, so that lines are crisp. */
export function sizeToScreen(canvas: HTMLCanvasElement): void {
  const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
}

export function draw(canvas: HTMLCanvasElement, drawing: Drawing, layers: Layers): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (drawing.result === null || !(layers.boxes || layers.labels)) return;
  const [width, height] = drawing.result.size_px;
  const unit = canvas.width / Math.max(canvas.clientWidth, 1);
  const small = canvas.clientWidth < 480;
  context.font = `600 ${(small ? 10 : 12) * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  if (layers.boxes) {
    for (const set of drawing.landmarks) points(context, set, drawing.result.size_px, unit);
  }
  for (const object of drawing.objects) {
    const [left, top, right, bottom] = object.box;
    const x = (left / width) * canvas.width;
    const y = (top / height) * canvas.height;
    const w = ((right - left) / width) * canvas.width;
    const h = ((bottom - top) / height) * canvas.height;
    const colour = colourOf(object);
    // Dashes tell that no detector has looked here: the analysis is behind, or on purpose.
    const guessed = drawing.kind === "ahead" || object.predicted === true;
    context.setLineDash(guessed ? [6 * unit, 4 * unit] : []);
    if (layers.boxes) outline(context, x, y, w, h, colour, unit);
    if (layers.labels) {
      label(context, nameOf(object), x, y, colour, unit, small);
      const words = describe(object);
      if (words !== "") caption(context, words, x, y + h, colour, unit, small);
    }
  }
}

function points(
  context: CanvasRenderingContext2D,
  set: LandmarkSet,
  size: readonly [number, number],
  unit: number,
): void {
  const scaleX = context.canvas.width / size[0];
  const scaleY = context.canvas.height / size[1];
  const seen = (i: number) => (set.visibility?.[i] ?? 1) >= VISIBLE;
  context.setLineDash([]);
  context.lineWidth = 2 * unit;
  context.strokeStyle = set.part === "body" ? "#5fd0ff" : "#ffd60a";
  context.beginPath();
  for (const [from, to] of BONES[set.part]) {
    const a = set.points[from];
    const b = set.points[to];
    if (a === undefined || b === undefined || !seen(from) || !seen(to)) continue;
    context.moveTo(a[0] * scaleX, a[1] * scaleY);
    context.lineTo(b[0] * scaleX, b[1] * scaleY);
  }
  context.stroke();
  const side = (set.part === "face" ? 1.8 : 3) * unit;
  context.fillStyle = set.part === "face" ? "#9ff3ff" : "#ffffff";
  set.points.forEach(([x, y], i) => {
    if (seen(i)) context.fillRect(x * scaleX - side / 2, y * scaleY - side / 2, side, side);
  });
}

function outline(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  w: number,
  h: number,
  colour: string,
  unit: number,
): void {
  context.beginPath();
  context.roundRect(x, y, w, h, 3 * unit);
  context.lineWidth = 4 * unit;
  context.strokeStyle = "rgb(0 0 0 / 45%)";
  context.stroke();
  context.lineWidth = 2 * unit;
  context.strokeStyle = colour;
  context.stroke();
}

function label(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  colour: string,
  unit: number,
  small: boolean,
): void {
  const height = (small ? 14 : 18) * unit;
  const width = context.measureText(text).width + 8 * unit;
  const left = Math.max(0, Math.min(x - unit, context.canvas.width - width));
  // Above the box, or inside it at the upper edge of the picture.
  const top = y - height >= 0 ? y - height : y;
  context.beginPath();
  context.roundRect(left, top, width, height, 3 * unit);
  context.fillStyle = colour;
  context.fill();
  context.fillStyle = "#101418";
  context.fillText(text, left + 4 * unit, top + height / 2 + unit / 2);
}

/** What is known about the object, below its box or at the lower edge inside it. */
function caption(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  bottom: number,
  colour: string,
  unit: number,
  small: boolean,
): void {
  const height = (small ? 14 : 18) * unit;
  const width = context.measureText(text).width + 8 * unit;
  const left = Math.max(0, Math.min(x - unit, context.canvas.width - width));
  const top = bottom + height <= context.canvas.height ? bottom : bottom - height;
  context.beginPath();
  context.roundRect(left, top, width, height, 3 * unit);
  context.fillStyle = "rgb(16 20 24 / 78%)";
  context.fill();
  context.fillStyle = colour;
  context.fillText(text, left + 4 * unit, top + height / 2 + unit / 2);
}

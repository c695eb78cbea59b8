/** Boxes and labels on a canvas that lies over the picture. */

import type { DetectedObject } from "../client";
import type { Drawing } from "./timeline";

export interface Layers {
  boxes: boolean;
  labels: boolean;
}

/** Equal ids get equal colours; the golden angle keeps neighbours apart. */
export function colourOf(object: DetectedObject): string {
  const key = object.tracker_id ?? object.class_id * 7;
  return `hsl(${(key * 137.508) % 360} 90% 62%)`;
}

export function labelOf(object: DetectedObject): string {
  const name = object.class_name || `class ${object.class_id}`;
  return typeof object.tracker_id === "number" ? `${name} ${object.tracker_id}` : name;
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
  // Dashes tell that the analysis has not come this far.
  context.setLineDash(drawing.kind === "ahead" ? [6 * unit, 4 * unit] : []);
  for (const object of drawing.objects) {
    const [left, top, right, bottom] = object.box;
    const x = (left / width) * canvas.width;
    const y = (top / height) * canvas.height;
    const w = ((right - left) / width) * canvas.width;
    const h = ((bottom - top) / height) * canvas.height;
    const colour = colourOf(object);
    if (layers.boxes) outline(context, x, y, w, h, colour, unit);
    if (layers.labels) label(context, labelOf(object), x, y, colour, unit, small);
  }
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

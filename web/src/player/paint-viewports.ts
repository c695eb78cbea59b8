/** Draws what virtual cameras show, on the wide shot: a frame each, and all else dimmed. */

import type { Viewport } from "../client";
import { plate } from "./boxes";
import type { Surface } from "./surface";

type Viewports = Readonly<Record<string, Viewport>>;

const DIM = "rgb(6 10 12 / 46%)";
const INK = "rgb(0 0 0 / 60%)";
/** One for each camera. */
const COLOURS = ["#ffffff", "#ffd23f", "#7fe3ff", "#ff9ecb"];

/** What no camera shows lies in the shade. */
export function paintDim({ context, width, height, x, y }: Surface, viewports: Viewports): void {
  const all = Object.values(viewports);
  if (all.length === 0) return;
  context.save();
  for (const { box } of all) {
    context.beginPath();
    context.rect(0, 0, width, height);
    context.rect(x(box[0]), y(box[1]), x(box[2]) - x(box[0]), y(box[3]) - y(box[1]));
    context.clip("evenodd");
  }
  context.fillStyle = DIM;
  context.fillRect(0, 0, width, height);
  context.restore();
}

export function paintViewports(
  surface: Surface,
  viewports: Viewports,
  words: Readonly<Record<string, string>> = {},
): void {
  Object.entries(viewports).forEach(([name, viewport], i) => {
    paintFrame(surface, viewport, words[name] ?? name, COLOURS[i % COLOURS.length] ?? "#ffffff");
  });
}

/** Solid while it follows, dashed while it waits for who was there, thin while there is nobody. */
function paintFrame(surface: Surface, viewport: Viewport, words: string, colour: string): void {
  const { context, unit, width, height, x, y } = surface;
  const [left, top, right, bottom] = viewport.box;
  // Wholly on the picture, where it ends with it.
  const inset = 1.5 * unit;
  const [x0, x1] = [Math.max(x(left), inset), Math.min(x(right), width - inset)];
  const [y0, y1] = [Math.max(y(top), inset), Math.min(y(bottom), height - inset)];
  const thick = (viewport.state === "wide" ? 1.25 : 2.25) * unit;
  context.setLineDash(viewport.state === "holding" ? [8 * unit, 5 * unit] : []);
  context.beginPath();
  context.rect(x0, y0, x1 - x0, y1 - y0);
  context.lineWidth = thick + 2 * unit;
  context.strokeStyle = INK;
  context.stroke();
  context.lineWidth = thick;
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
  corners(surface, [x0, y0, x1, y1], colour);
  // Below: names of objects stand above them.
  const line = (surface.small ? 14 : 18) * unit;
  if (words !== "") plate(surface, words, x0 + 7 * unit, y1 - 5 * unit - line, colour, "inside");
}

/** Angles, as viewfinders have them. */
function corners(
  { context, unit }: Surface,
  [x0, y0, x1, y1]: readonly [number, number, number, number],
  colour: string,
): void {
  const long = Math.min(14 * unit, (x1 - x0) / 4, (y1 - y0) / 4);
  context.beginPath();
  for (const [cx, cy, dx, dy] of [
    [x0, y0, 1, 1],
    [x1, y0, -1, 1],
    [x1, y1, -1, -1],
    [x0, y1, 1, -1],
  ] as const) {
    context.moveTo(cx + dx * long, cy);
    context.lineTo(cx, cy);
    context.lineTo(cx, cy + dy * long);
  }
  context.lineWidth = 4.5 * unit;
  context.strokeStyle = colour;
  context.stroke();
}

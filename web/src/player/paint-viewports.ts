/** Draws what virtual cameras show, on the wide shot: a frame each, and all else dimmed. */

import type { Box, Viewport } from "../client";
import { plate, plateSize } from "./boxes";
import type { Surface } from "./surface";
import { meet } from "./viewport";

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
  const all = Object.entries(viewports);
  const plates = all.map(([name, viewport], i) => {
    const colour = COLOURS[i % COLOURS.length] ?? "#ffffff";
    const frame = onPicture(surface, viewport);
    paintFrame(surface, viewport, frame, colour);
    const text = words[name] ?? name;
    const [wide, tall] = plateSize(surface, text);
    // Below: names of objects stand above them.
    const left = Math.max(0, Math.min(frame[0] + 6 * surface.unit, surface.width - wide));
    const top = frame[3] - 5 * surface.unit - tall;
    return { text, colour, box: [left, top, left + wide, top + tall] as const };
  });
  const shown = plates.filter(({ text }) => text !== "");
  const tops = apart(shown.map(({ box }) => box));
  shown.forEach(({ text, colour, box }, i) => {
    plate(surface, text, box[0] + surface.unit, tops[i] ?? box[1], colour, "inside");
  });
}

/** The top of each, raised above those before it that it would cover. */
export function apart(plates: readonly Box[]): readonly number[] {
  const set: Box[] = [];
  for (const [left, top, right, bottom] of plates) {
    const tall = bottom - top;
    let at = top;
    for (;;) {
      const here: Box = [left, at, right, at + tall];
      const below = set.find((each) => meet(each, here));
      if (below === undefined) {
        set.push(here);
        break;
      }
      at = below[1] - tall * 1.1;
    }
  }
  return set.map(([, top]) => top);
}

/** Wholly on the picture, where it ends with it. */
function onPicture({ unit, width, height, x, y }: Surface, { box }: Viewport): Box {
  const [left, top, right, bottom] = box;
  const inset = 1.5 * unit;
  return [
    Math.max(x(left), inset),
    Math.max(y(top), inset),
    Math.min(x(right), width - inset),
    Math.min(y(bottom), height - inset),
  ];
}

/** Solid while it follows, dashed while it waits for who was there, thin while there is nobody. */
function paintFrame(surface: Surface, viewport: Viewport, frame: Box, colour: string): void {
  const { context, unit } = surface;
  const [x0, y0, x1, y1] = frame;
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
  corners(surface, frame, colour);
}

/** Angles, as viewfinders have them. */
function corners({ context, unit }: Surface, [x0, y0, x1, y1]: Box, colour: string): void {
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

/** Skeletons, hands and faces. */

import type { LandmarkSet } from "../client";
import type { Layers } from "./layers";
import { BONES } from "./skeleton";
import type { Surface } from "./surface";

/** A point that is probably hidden or outside the picture is not drawn. */
const VISIBLE = 0.5;

const STYLE: Record<LandmarkSet["part"], { line: string; dot: string; widthPx: number }> = {
  body: { line: "#5fd0ff", dot: "#ffffff", widthPx: 3 },
  left_hand: { line: "#ffd60a", dot: "#ffffff", widthPx: 3 },
  right_hand: { line: "#ff9f5a", dot: "#ffffff", widthPx: 3 },
  face: { line: "rgb(159 243 255 / 80%)", dot: "rgb(159 243 255 / 75%)", widthPx: 1.4 },
};

export function paintLandmarks(
  surface: Surface,
  sets: readonly LandmarkSet[],
  layers: Layers,
): void {
  for (const set of sets) {
    const layer = set.part === "body" || set.part === "face" ? set.part : "hands";
    if (layers[layer]) paintSet(surface, set);
  }
}

function paintSet({ context, unit, x, y }: Surface, set: LandmarkSet): void {
  const { line, dot, widthPx } = STYLE[set.part];
  const seen = (i: number) => (set.visibility?.[i] ?? 1) >= VISIBLE;
  context.lineWidth = (set.part === "face" ? 1.2 : 2) * unit;
  context.strokeStyle = line;
  context.beginPath();
  for (const [from, to] of BONES[set.part]) {
    const a = set.points[from];
    const b = set.points[to];
    if (a === undefined || b === undefined || !seen(from) || !seen(to)) continue;
    context.moveTo(x(a[0]), y(a[1]));
    context.lineTo(x(b[0]), y(b[1]));
  }
  context.stroke();
  const side = widthPx * unit;
  context.beginPath();
  set.points.forEach(([pointX, pointY], i) => {
    if (seen(i)) context.rect(x(pointX) - side / 2, y(pointY) - side / 2, side, side);
  });
  context.fillStyle = dot;
  context.fill();
}

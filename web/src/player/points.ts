/** Skeletons, hands and faces. */

import type { LandmarkSet } from "../client";
import type { Layers } from "./layers";
import type { Pose } from "./poses";
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

/** The first points of a body are those of its head. */
const HEAD_POINTS = 11;

export function paintLandmarks(
  surface: Surface,
  sets: readonly LandmarkSet[],
  layers: Layers,
): void {
  const faces = new Set(sets.filter(({ part }) => part === "face").map(({ person }) => person));
  for (const set of sets) {
    const layer = set.part === "body" || set.part === "face" ? set.part : "hands";
    // A face tells better where the head is.
    const headless = set.part === "body" && layers.face && faces.has(set.person);
    if (layers[layer]) paintSet(surface, set, headless ? HEAD_POINTS : 0);
  }
}

/** Dashed where they were measured on an earlier frame. */
export function paintPoses(surface: Surface, poses: readonly Pose[], layers: Layers): void {
  if (!layers.body) return;
  const { context, unit } = surface;
  for (const pose of poses) {
    context.setLineDash(pose.carried ? [6 * unit, 4 * unit] : []);
    paintSet(surface, pose, 0);
  }
  context.setLineDash([]);
}

function paintSet({ context, unit, x, y }: Surface, set: LandmarkSet, first: number): void {
  const { line, dot, widthPx } = STYLE[set.part];
  const seen = (i: number) => i >= first && (set.visibility?.[i] ?? 1) >= VISIBLE;
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

/** Where tracked objects have been before a frame. */

import type { Box, DetectedObject, Result } from "../client";
import { colourOf } from "./colour";
import type { Layers } from "./layers";
import { RTP_HZ, ticksBetween } from "./rtp";
import type { Surface } from "./surface";

/** How far back they go. */
export const TRAIL_TICKS = 2 * RTP_HZ;
/** Steps in which a trail fades. */
const FADES = 8;

/** Newest point last; `age` is 0 at the frame and 1 where the trail ends. */
export interface Trail {
  object: DetectedObject;
  points: { x: number; y: number; age: number }[];
}

/** The middle of a box's lower edge: where somebody stands. */
function foot(box: Box): { x: number; y: number } {
  return { x: (box[0] + box[2]) / 2, y: box[3] };
}

/**
 * Trails of the objects of a frame, from the results before it (ascending), each of its own frame.
 * They end in the boxes as they are drawn.
 */
export function trailsOf(
  earlier: readonly Result[],
  objects: readonly DetectedObject[],
  rtpTimestamp: number,
): Trail[] {
  const trails = new Map<number, Trail>();
  for (const object of objects) {
    if (typeof object.tracker_id === "number")
      trails.set(object.tracker_id, { object, points: [] });
  }
  if (trails.size === 0) return [];
  for (const result of earlier) {
    const age = ticksBetween(rtpTimestamp, result.rtp_timestamp) / TRAIL_TICKS;
    if (age <= 0 || age > 1) continue;
    for (const { tracker_id: id, box } of result.objects) {
      if (typeof id === "number") trails.get(id)?.points.push({ ...foot(box), age });
    }
  }
  for (const trail of trails.values()) trail.points.push({ ...foot(trail.object.box), age: 0 });
  return [...trails.values()].filter(({ points }) => points.length > 1);
}

export function paintTrails(surface: Surface, trails: readonly Trail[], layers: Layers): void {
  const { context, unit, x, y } = surface;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.lineWidth = 3 * unit;
  for (const { object, points } of trails) {
    context.strokeStyle = colourOf(object, layers.colourBy);
    let band = -1;
    points.forEach((point, i) => {
      const before = points[i - 1];
      if (before === undefined) return;
      const step = Math.floor((1 - before.age) * FADES);
      if (step !== band) {
        if (band >= 0) context.stroke();
        band = step;
        context.globalAlpha = Math.min(0.9, 0.1 + (0.8 * step) / FADES);
        context.beginPath();
        context.moveTo(x(before.x), y(before.y));
      }
      context.lineTo(x(point.x), y(point.y));
    });
    if (band >= 0) context.stroke();
  }
  context.globalAlpha = 1;
  context.lineCap = "butt";
}

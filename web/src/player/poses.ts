/** Skeletons that a descriptor measured on tracked persons: late, so they go along with their boxes. */

import type { Box, DetectedObject, LandmarkSet, Result } from "../client";

export interface Pose extends LandmarkSet {
  /** Measured on an earlier frame, and moved here with the box. */
  carried: boolean;
}

/**
 * Poses of the objects of a frame. `boxOf` tells where a track was at a media time; a pose whose
 * box is not known any more is left out.
 */
export function posesOf(
  objects: readonly DetectedObject[],
  result: Result,
  exact: boolean,
  boxOf: (trackerId: number, ptsNs: number) => Box | null,
): Pose[] {
  const poses: Pose[] = [];
  for (const { tracker_id: id, attributes, box } of objects) {
    const measured = attributes?.pose;
    if (measured === undefined || !Array.isArray(measured.value) || typeof id !== "number")
      continue;
    const own = exact && measured.pts_ns === result.pts_ns;
    const then = own ? box : boxOf(id, measured.pts_ns);
    if (then === null) continue;
    const scaleX = (box[2] - box[0]) / Math.max(then[2] - then[0], 1);
    const scaleY = (box[3] - box[1]) / Math.max(then[3] - then[1], 1);
    const value: readonly (readonly number[])[] = measured.value;
    poses.push({
      part: "body",
      person: id,
      score: measured.score,
      points: value.map(([x = 0, y = 0]) => [
        box[0] + (x - then[0]) * scaleX,
        box[1] + (y - then[1]) * scaleY,
        0,
      ]),
      visibility: value.map(([, , seen = 0]) => seen),
      carried: !own,
    });
  }
  return poses;
}

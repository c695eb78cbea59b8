/** Where tracked objects and landmarks are between two frames that were analysed, or shortly after them. */

import type { Box, DetectedObject, LandmarkSet } from "../client";

function mix(a: Box, b: Box, t: number): Box {
  const at = (i: 0 | 1 | 2 | 3) => a[i] + (b[i] - a[i]) * t;
  return [at(0), at(1), at(2), at(3)];
}

function byTrack(objects: readonly DetectedObject[]): Map<number, DetectedObject> {
  const found = new Map<number, DetectedObject>();
  for (const object of objects) {
    if (typeof object.tracker_id === "number") found.set(object.tracker_id, object);
  }
  return found;
}

/**
 * Objects at `t`, where `before` is at 0 and `after` at 1. Beyond 1 tracks keep their speed.
 * An object that only one of the two frames knows is shown where it was, near that frame.
 */
export function objectsAt(
  before: readonly DetectedObject[],
  after: readonly DetectedObject[],
  t: number,
): DetectedObject[] {
  const near = t < 0.5 ? before : after;
  const far = byTrack(t < 0.5 ? after : before);
  return near.map((object) => {
    const other = typeof object.tracker_id === "number" ? far.get(object.tracker_id) : undefined;
    if (other === undefined) return object;
    const [first, second] = t < 0.5 ? [object, other] : [other, object];
    return { ...object, box: mix(first.box, second.box, t) };
  });
}

type Point = LandmarkSet["points"][number];

/**
 * Landmarks at `t` between two frames, of parts that both know: they move, and where a part
 * that comes or goes was at another moment would be wrong here.
 */
export function landmarksAt(
  before: readonly LandmarkSet[],
  after: readonly LandmarkSet[],
  t: number,
): LandmarkSet[] {
  const moved: LandmarkSet[] = [];
  for (const set of before) {
    const other = after.find(({ part, person }) => part === set.part && person === set.person);
    if (other === undefined || other.points.length !== set.points.length) continue;
    const points = set.points.map((from, i): Point => {
      const to = other.points[i] ?? from;
      const at = (axis: 0 | 1 | 2) => from[axis] + (to[axis] - from[axis]) * t;
      return [at(0), at(1), at(2)];
    });
    moved.push({ ...(t < 0.5 ? set : other), points });
  }
  return moved;
}

/** Where a tracked object is between two frames that were analysed, or shortly after them. */

import type { Box, DetectedObject } from "../client";

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

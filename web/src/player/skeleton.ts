/** Which landmarks are joined by lines, in MediaPipe's order of points. */

import type { LandmarkSet } from "../client";

type Bone = readonly [number, number];

const path = (...points: number[]): Bone[] =>
  points.slice(1).map((point, i) => [points[i] ?? point, point] as const);

const BODY: readonly Bone[] = [
  ...path(11, 12, 24, 23, 11),
  ...path(11, 13, 15),
  ...path(12, 14, 16),
  ...path(23, 25, 27, 29, 31, 27),
  ...path(24, 26, 28, 30, 32, 28),
];

const HAND: readonly Bone[] = [
  ...path(0, 1, 2, 3, 4),
  ...path(0, 5, 6, 7, 8),
  ...path(5, 9, 10, 11, 12),
  ...path(9, 13, 14, 15, 16),
  ...path(13, 17, 18, 19, 20),
  ...path(0, 17),
];

export const BONES: Record<LandmarkSet["part"], readonly Bone[]> = {
  body: BODY,
  left_hand: HAND,
  right_hand: HAND,
  face: [],
};

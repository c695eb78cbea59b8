/** Which landmarks are joined by lines, in MediaPipe's order of points. */

import type { LandmarkSet } from "../client";

type Bone = readonly [number, number];

const path = (...points: number[]): Bone[] =>
  points.slice(1).map((point, i) => [points[i] ?? point, point] as const);

const BODY: readonly Bone[] = [
  ...path(11, 12, 24, 23, 11),
  ...path(11, 13, 15, 17, 19, 15, 21),
  ...path(12, 14, 16, 18, 20, 16, 22),
  ...path(23, 25, 27, 29, 31, 27),
  ...path(24, 26, 28, 30, 32, 28),
  ...path(7, 3, 2, 1, 0, 4, 5, 6, 8),
  ...path(9, 10),
];

const HAND: readonly Bone[] = [
  ...path(0, 1, 2, 3, 4),
  ...path(0, 5, 6, 7, 8),
  ...path(9, 10, 11, 12),
  ...path(13, 14, 15, 16),
  ...path(0, 17, 18, 19, 20),
  ...path(5, 9, 13, 17),
];

/** Oval, lips, eyes, brows and, of 478 points, irises. */
const FACE: readonly Bone[] = [
  ...path(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
  ...path(377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67),
  ...path(67, 109, 10),
  ...path(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
  ...path(61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
  ...path(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
  ...path(78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
  ...path(33, 7, 163, 144, 145, 153, 154, 155, 133),
  ...path(33, 246, 161, 160, 159, 158, 157, 173, 133),
  ...path(263, 249, 390, 373, 374, 380, 381, 382, 362),
  ...path(263, 466, 388, 387, 386, 385, 384, 398, 362),
  ...path(46, 53, 52, 65, 55),
  ...path(70, 63, 105, 66, 107),
  ...path(276, 283, 282, 295, 285),
  ...path(300, 293, 334, 296, 336),
  ...path(469, 470, 471, 472, 469),
  ...path(474, 475, 476, 477, 474),
];

export const BONES: Record<LandmarkSet["part"], readonly Bone[]> = {
  body: BODY,
  left_hand: HAND,
  right_hand: HAND,
  face: FACE,
};

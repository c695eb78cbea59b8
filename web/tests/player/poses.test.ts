import { expect, it } from "vitest";
import type { DetectedObject } from "../../src/client";
import { posesOf } from "../../src/player/poses";
import { ResultTimeline } from "../../src/player/timeline";
import { result, thing } from "../results";

const posed = (left: number, ptsNs: number): DetectedObject => ({
  ...thing(1, [left, 0, left + 10, 20]),
  attributes: { pose: { value: [[2, 4, 0.9]], score: 0.8, pts_ns: ptsNs } },
});

it("draws a pose of this very frame as it is", () => {
  const [pose] = posesOf([posed(0, 50)], { ...result(0), pts_ns: 50 }, true, () => null);
  expect(pose).toMatchObject({ points: [[2, 4, 0]], visibility: [0.9], carried: false });
});

it("takes an older one along with its box, while that is known", () => {
  const timeline = new ResultTimeline();
  timeline.add({ ...result(0, posed(0, 0)), pts_ns: 0 });
  timeline.add({ ...result(3000, posed(100, 0)), pts_ns: 33 });
  const drawing = timeline.drawing(3000);
  const [pose] = timeline.poses(drawing);
  expect(pose).toMatchObject({ points: [[102, 4, 0]], carried: true });
  const now = { ...result(6000), pts_ns: 66 };
  expect(posesOf([posed(0, 12345)], now, true, () => null)).toEqual([]);
});

import { expect, it } from "vitest";
import type { LandmarkSet } from "../../src/client";
import { landmarksAt } from "../../src/player/motion";
import { ResultTimeline } from "../../src/player/timeline";
import { result } from "../results";

const hand = (x: number, person = 0): LandmarkSet => ({
  part: "left_hand",
  person,
  score: 1,
  points: [[x, 10, 0]],
});

it("moves the points of a part that both frames know", () => {
  expect(landmarksAt([hand(0)], [hand(100)], 0.25)[0]?.points).toEqual([[25, 10, 0]]);
});

it("leaves out what only one of the frames knows", () => {
  expect(landmarksAt([hand(0)], [hand(100, 1)], 0.5)).toEqual([]);
  expect(landmarksAt([hand(0)], [{ ...hand(9), points: [] }], 0.5)).toEqual([]);
});

it("draws points on their own frame and between two, never ahead of them", () => {
  const timeline = new ResultTimeline();
  timeline.add({ ...result(0), landmarks: [hand(0)] });
  timeline.add({ ...result(6000), landmarks: [hand(100)] });
  expect(timeline.drawing(0).landmarks[0]?.points).toEqual([[0, 10, 0]]);
  expect(timeline.drawing(3000).landmarks[0]?.points).toEqual([[50, 10, 0]]);
  expect(timeline.drawing(9000).landmarks).toEqual([]);
});

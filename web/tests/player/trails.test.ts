import { expect, it } from "vitest";
import { ResultTimeline } from "../../src/player/timeline";
import { TRAIL_TICKS, trailsOf } from "../../src/player/trails";
import { result, thing } from "../results";

const at = (rtp: number, left: number) => result(rtp, thing(1, [left, 0, left + 10, 20]));

it("goes through the feet of earlier boxes to the box as it is drawn", () => {
  const now = thing(1, [20, 0, 30, 20]);
  const [trail] = trailsOf([at(3000, 0), at(6000, 10), at(9000, 99)], [now], 9000);
  expect(trail?.points.map(({ x, y }) => [x, y])).toEqual([
    [5, 20],
    [15, 20],
    [25, 20],
  ]);
  expect(trail?.points.at(-1)?.age).toBe(0);
});

it("has none for what has no track, has just come, or has been seen too long ago", () => {
  expect(trailsOf([at(0, 0)], [thing(null, [0, 0, 1, 1])], 3000)).toEqual([]);
  expect(trailsOf([at(0, 0)], [thing(2, [0, 0, 1, 1])], 3000)).toEqual([]);
  expect(trailsOf([at(0, 0)], [thing(1, [0, 0, 1, 1])], TRAIL_TICKS + 1)).toEqual([]);
});

it("knows nothing of the future of a picture", () => {
  const timeline = new ResultTimeline();
  for (const [i, left] of [0, 10, 20, 30].entries()) timeline.add(at(i * 3000, left));
  const [trail] = timeline.trails(3000, timeline.drawing(3000));
  expect(trail?.points.map(({ x }) => x)).toEqual([5, 15]);
});

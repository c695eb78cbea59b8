import { expect, it } from "vitest";
import { regionsOf } from "../../src/player/regions";
import { ResultTimeline } from "../../src/player/timeline";
import { result } from "../results";

const SPEC = {
  stages: [
    { type: "detect" },
    {
      type: "flux",
      name: null,
      units: "fraction",
      lines: [{ name: "middle", start: [0, 0.5], end: [1, 0.5] }],
      zones: [
        {
          name: "door",
          polygon: [
            [0, 0],
            [0.5, 0],
            [0.5, 1],
          ],
        },
        { name: "bad", polygon: [] },
      ],
    },
    {
      type: "flux",
      name: "px",
      units: "px",
      lines: [{ name: "edge", start: [3, 4], end: [5, 6] }],
    },
  ],
};
const EXTRA = {
  flux: {
    lines: [{ name: "middle", in: { car: 2, bus: 1 }, out: {} }],
    zones: [{ name: "door", now: { car: 1 }, total: { car: 5 } }],
  },
};

it("places shapes in pixels of the frame, with the counts of that frame", () => {
  const regions = regionsOf(SPEC, { ...result(0), extra: EXTRA }, () => undefined);
  expect(regions).toEqual([
    { kind: "line", name: "middle", start: [0, 180], end: [640, 180], in: 3, out: 0 },
    {
      kind: "zone",
      name: "door",
      polygon: [
        [0, 0],
        [320, 0],
        [320, 360],
      ],
      now: 1,
      total: 5,
    },
    { kind: "line", name: "edge", start: [3, 4], end: [5, 6], in: null, out: null },
  ]);
});

it("draws nothing of what it does not understand", () => {
  const odd = { stages: [{ type: "flux", lines: "none", zones: [3, { polygon: [[1], 2, 3] }] }] };
  expect(regionsOf(odd, { ...result(0), extra: { flux: 7 } }, () => "grid")).toEqual([]);
  expect(regionsOf(undefined, result(0), () => undefined)).toEqual([]);
});

it("keeps the grid that was told last, up to the frame", () => {
  const grid = (step: number) => ({
    grid_data: { x_start: 0, y_start: 0, step },
    occupation: [[4]],
    velocity: [[[1, 2]]],
  });
  const timeline = new ResultTimeline();
  timeline.add({ ...result(0), extra: { flux: { grid: grid(70) } } });
  timeline.add({ ...result(3000), extra: { flux: {} } });
  timeline.add({ ...result(6000), extra: { flux: { grid: grid(35) } } });
  const told = timeline.told(3000, "flux", "grid");
  const [region] = regionsOf(SPEC, result(3000), (stage) =>
    stage === "flux" ? told : undefined,
  ).filter(({ kind }) => kind === "grid");
  expect(region).toMatchObject({ stepPx: 70, occupation: [[4]], velocity: [[[1, 2]]] });
});

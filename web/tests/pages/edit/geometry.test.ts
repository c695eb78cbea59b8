import { expect, test } from "vitest";
import {
  centre,
  crossesItself,
  drawnOf,
  freeName,
  inward,
  isWhole,
  movedBy,
  type Point,
  reversed,
  type Shape,
  shapesOf,
  withoutPoint,
  withPointAfter,
  withPointAt,
} from "../../../src/pages/edit/zones/geometry";

const SIZE = [640, 360] as const;
const SQUARE: Shape = {
  kind: "zone",
  name: "square",
  points: [
    [100, 100],
    [200, 100],
    [200, 200],
    [100, 200],
  ],
};
const LINE: Shape = {
  kind: "line",
  name: "door",
  points: [
    [0, 180],
    [640, 180],
  ],
};

test("who is drawn in pixels is written as the stage wants it, and read back", () => {
  const drawn = drawnOf([SQUARE, LINE], "fraction", SIZE);
  expect(drawn.lines).toEqual([{ name: "door", start: [0, 0.5], end: [1, 0.5] }]);
  expect(drawn.zones[0]?.polygon[0]).toEqual([0.1563, 0.2778]);
  const [line, zone] = shapesOf(drawn, "fraction", SIZE);
  expect(line).toEqual(LINE);
  expect(zone?.points[0]?.[0]).toBeCloseTo(100, 0);
  expect(shapesOf(drawnOf([SQUARE, LINE], "px", SIZE), "px", SIZE)).toEqual([LINE, SQUARE]);
});

test("a point stays in the picture", () => {
  expect(withPointAt(LINE, 1, [900, -20], SIZE).points[1]).toEqual([640, 0]);
});

test("a shape that is moved keeps its form at the edges", () => {
  expect(movedBy(SQUARE, [-500, 1000], SIZE).points).toEqual([
    [0, 260],
    [100, 260],
    [100, 360],
    [0, 360],
  ]);
});

test("corners come and go, but three stay", () => {
  const more = withPointAfter(SQUARE, 3);
  expect(more.points[4]).toEqual([100, 150]);
  expect(withPointAfter(SQUARE, 0, [150, 90]).points[1]).toEqual([150, 90]);
  const three = withoutPoint(SQUARE, 0);
  expect(three?.points).toHaveLength(3);
  expect(three && withoutPoint(three, 0)).toBeNull();
  expect(withoutPoint(LINE, 0)).toBeNull();
  expect(withPointAfter(LINE, 0)).toBe(LINE);
});

test("in is to the left of who looks from start to end", () => {
  const [x, y] = inward([0, 180], [640, 180]);
  expect([x, y]).toEqual([0, -1]);
  const [a, b] = reversed(LINE).points as [Point, Point];
  expect(inward(a, b)[1]).toBe(1);
  expect(inward([5, 5], [5, 5])).toEqual([0, -1]);
});

test("names are written in the middle", () => {
  expect(centre(LINE.points)).toEqual([320, 180]);
  expect(centre(SQUARE.points)).toEqual([150, 150]);
  expect(
    centre([
      [0, 0],
      [10, 0],
      [20, 0],
    ]),
  ).toEqual([10, 0]);
});

test("a bow tie crosses itself", () => {
  expect(crossesItself(SQUARE.points)).toBe(false);
  expect(
    crossesItself([
      [0, 0],
      [10, 10],
      [10, 0],
      [0, 10],
    ]),
  ).toBe(true);
});

test("a line has a length, a zone an area", () => {
  expect(isWhole(LINE)).toBe(true);
  expect(isWhole(SQUARE)).toBe(true);
  expect(
    isWhole({
      ...LINE,
      points: [
        [5, 5],
        [5, 5],
      ],
    }),
  ).toBe(false);
  expect(
    isWhole({
      ...SQUARE,
      points: [
        [0, 0],
        [5, 5],
        [9, 9],
      ],
    }),
  ).toBe(false);
});

test("names are unique", () => {
  expect(freeName("line", [])).toBe("line");
  expect(freeName("line", ["line", "line 2"])).toBe("line 3");
});

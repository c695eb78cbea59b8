import { expect, it } from "vitest";
import type { Viewport } from "../../src/client";
import { type Context, surfaceOf } from "../../src/player/surface";
import {
  cameraOf,
  shownIn,
  toFrame,
  toPicture,
  viewportsAt,
  wholeIn,
  wordsOf,
} from "../../src/player/viewport";

const FRAME = [1280, 720] as const;

function viewport(box: Viewport["box"], more: Partial<Viewport> = {}): Viewport {
  return { box, aspect: 9 / 16, state: "following", ...more };
}

it("lays a viewport of the shot's shape over all of it, and finds the way back", () => {
  const placing = shownIn([400, 0, 805, 720], [404, 718]);
  expect(toPicture([400, 0], placing)).toEqual([0, 0]);
  const [right, bottom] = toPicture([805, 720], placing);
  expect(right).toBeCloseTo(404, 6);
  expect(bottom).toBeCloseTo(718, 6);
  for (const at of [
    [0, 0],
    [403, 717],
    [100.5, 333],
  ] as const) {
    const frame = toFrame(at, placing);
    expect(frame).not.toBeNull();
    const back = toPicture(frame ?? [0, 0], placing);
    expect(back[0]).toBeCloseTo(at[0], 6);
    expect(back[1]).toBeCloseTo(at[1], 6);
  }
});

it("puts a viewport of another shape whole in the middle; beside it is nothing", () => {
  // Twice as wide as high, in an upright shot.
  const placing = shownIn([100, 50, 500, 250], [200, 400]);
  expect(placing.scaleX).toBe(0.5);
  expect(placing.scaleY).toBe(0.5);
  expect(toPicture([100, 50], placing)).toEqual([0, 150]);
  expect(toPicture([500, 250], placing)).toEqual([200, 250]);
  expect(toFrame([100, 200], placing)).toEqual([300, 150]);
  expect(toFrame([100, 140], placing)).toBeNull();
  expect(toFrame([100, 260], placing)).toBeNull();
});

it("lays a whole frame over a smaller picture of it", () => {
  const placing = wholeIn(FRAME, [640, 360]);
  expect(toPicture([1280, 720], placing)).toEqual([640, 360]);
  expect(toFrame([320, 180], placing)).toEqual([640, 360]);
  expect(toFrame([641, 100], placing)).toBeNull();
});

it("scales lengths without moving them", () => {
  const surface = surfaceOf(
    {} as Context,
    200,
    400,
    1,
    FRAME,
    shownIn([100, 50, 500, 250], [200, 400]),
  );
  expect(surface.x(300)).toBe(100);
  expect(surface.y(150)).toBe(200);
  expect(surface.across(100)).toBe(50);
  expect(surface.down(100)).toBe(50);
  expect(surface.seen).toEqual([100, 50, 500, 250]);
});

it("knows by its shape which camera a picture is of, while renditions change", () => {
  const cameras = {
    tall: viewport([0, 0, 405, 720]),
    wide: viewport([0, 0, 640, 360], { aspect: 16 / 9 }),
  };
  expect(cameraOf([1280, 720], FRAME, cameras, null)).toBeNull();
  expect(cameraOf([404, 720], FRAME, cameras, "tall")).toBe("tall");
  // Asked for, not there yet; and still there, though not asked for any more.
  expect(cameraOf([1280, 720], FRAME, cameras, "tall")).toBeNull();
  expect(cameraOf([404, 720], FRAME, cameras, null)).toBe("tall");
  // Of the same shape as the frame: nobody but who asked knows.
  expect(cameraOf([1280, 720], FRAME, cameras, "wide")).toBe("wide");
  expect(cameraOf([404, 720], FRAME, {}, "tall")).toBeNull();
});

it("moves viewports between two frames, never across a cut, and guesses none", () => {
  const before = { a: viewport([0, 0, 100, 100]), b: viewport([0, 0, 100, 100]) };
  const after = { a: viewport([40, 0, 140, 100]), b: viewport([400, 0, 500, 100], { cut: true }) };
  const half = viewportsAt(before, after, 0.25);
  expect(half.a?.box).toEqual([10, 0, 110, 100]);
  expect(half.b?.box).toEqual([0, 0, 100, 100]);
  expect(viewportsAt(before, after, 0.75).b?.box).toEqual([400, 0, 500, 100]);
  expect(viewportsAt(before, after, 3).a?.box).toEqual([40, 0, 140, 100]);
  expect(viewportsAt(before, {}, 0.2).a?.box).toEqual([0, 0, 100, 100]);
});

it("writes at each camera what it does, knowing how many there are", () => {
  const words = wordsOf(
    { a: viewport([0, 0, 1, 1]), b: viewport([0, 0, 1, 1]) },
    (name, { state }, n) => [name, state, n].join(" "),
  );
  expect(words).toEqual({ a: "a following 2", b: "b following 2" });
});

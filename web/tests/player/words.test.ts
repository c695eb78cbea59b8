import { expect, test } from "vitest";
import type { DetectedObject, ObjectAttribute } from "../../src/client";
import { describe, nameOf } from "../../src/player/words";

const known = (values: Record<string, ObjectAttribute["value"]>): DetectedObject => ({
  box: [0, 0, 1, 1],
  class_name: "face",
  class_id: 0,
  confidence: 1,
  tracker_id: 3,
  attributes: Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, score: 1, pts_ns: 0 }]),
  ),
});

test("an object is called by its class and its track", () => {
  expect(nameOf(known({}))).toBe("face 3");
  expect(nameOf({ ...known({}), tracker_id: null, class_name: "", class_id: 7 })).toBe("class 7");
});

test("words are told as they are, numbers by their name", () => {
  expect(describe(known({ identity: "Ada", gender: "female", yaw: -12.4 }))).toBe(
    "Ada · female · yaw -12",
  );
});

test("an age is told by its range when there is one", () => {
  expect(describe(known({ age: 31.4, age_range: "30-34" }))).toBe("30-34");
  expect(describe(known({ age: 31.4 }))).toBe("age 31");
});

test("a garment takes its colour, and what is unknown is not told", () => {
  expect(describe(known({ upper: "t-shirt", upper_color: "red", identity: "unknown" }))).toBe(
    "red t-shirt",
  );
});

test("points are drawn, not written", () => {
  expect(describe(known({ pose: [[1, 2, 0.5]] }))).toBe("");
});

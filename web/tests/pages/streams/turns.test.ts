import { expect, test } from "vitest";
import { playing } from "../../../src/pages/streams/turns";

const ids = (count: number) => Array.from({ length: count }, (_, i) => `s${i}`);
const nothing = { asked: [], paused: new Set<string>() };

test("the first that can be seen play, no more than are bearable", () => {
  expect([...playing(ids(16), nothing, 9)]).toEqual(ids(9));
  expect([...playing(ids(3), nothing, 9)]).toEqual(ids(3));
  expect([...playing([], nothing, 9)]).toEqual([]);
});

test("who is asked for plays, and another one pauses", () => {
  const wish = { asked: ["s12", "s3"], paused: new Set<string>() };
  const turn = playing(ids(16), wish, 4);
  expect([...turn].sort()).toEqual(["s0", "s1", "s12", "s3"]);
});

test("who is paused does not play, asked for before or not", () => {
  const wish = { asked: ["s1"], paused: new Set(["s1", "s0"]) };
  expect([...playing(ids(4), wish, 2)]).toEqual(["s2", "s3"]);
});

test("who cannot be seen does not play though he was asked for", () => {
  expect([...playing(["s0"], { asked: ["s9"], paused: new Set() }, 2)]).toEqual(["s0"]);
});

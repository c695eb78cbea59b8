import { expect, test } from "vitest";
import {
  type Algorithm,
  algorithmOf,
  classesBefore,
  placeFor,
  written,
} from "../../../src/pages/edit/algorithms";

const SETTINGS = {
  properties: {
    model: { type: "string", default: "coco" },
    confidence: { anyOf: [{ type: "number" }, { type: "null" }], default: null },
  },
};
const plain = {
  description: "",
  describes: [],
  measures: [],
  finds: [],
  models: [],
  error: "",
  settings: { properties: {} },
};
const detector = (name: string, finds: string[]): Algorithm => ({
  ...plain,
  name,
  kind: "detector",
  stage: { type: "detect", model: name },
  finds,
  needs: [],
  gives: ["detections"],
  settings: SETTINGS,
});
const coco = detector("coco", ["person", "car"]);
const face = detector("face", ["face"]);
const track: Algorithm = {
  ...plain,
  name: "bytetrack",
  kind: "tracker",
  stage: { type: "track", tracker: "bytetrack" },
  needs: ["detections"],
  gives: ["detections", "tracks"],
};
const flux: Algorithm = {
  ...plain,
  name: "flux",
  kind: "stage",
  stage: { type: "flux" },
  needs: ["tracks"],
  gives: [],
};
const ALL = [coco, face, track, flux];
const TRACK = { type: "track", tracker: "bytetrack" };

test("a stage is its algorithm's, an own model's is a detector all the same", () => {
  expect(algorithmOf({ type: "detect", model: "face" }, ALL)).toBe(face);
  expect(algorithmOf({ type: "detect", model: "/own.onnx" }, ALL)).toBe(coco);
  expect(algorithmOf({ type: "gone" }, ALL)).toBeUndefined();
});

test("a stage is written without defaults, but with what it is", () => {
  const stage = { type: "detect", model: "coco", confidence: null };
  expect(written(stage, ALL)).toEqual({ type: "detect", model: "coco" });
  expect(written({ type: "gone", x: 1 }, ALL)).toEqual({ type: "gone", x: 1 });
});

test("classes are what earlier detectors find", () => {
  const stages = [
    { type: "detect", model: "coco", classes: ["car"] },
    { type: "detect", model: "face" },
  ];
  expect(classesBefore([...stages, TRACK], 2, ALL)).toEqual(["car", "face"]);
  expect(classesBefore(stages, 0, ALL)).toEqual([]);
});

test("a stage is put where it can work", () => {
  expect(placeFor(flux, [], ALL)).toBeNull();
  const chain = [coco.stage, TRACK];
  expect(placeFor(flux, chain, ALL)).toBe(2);
  expect(placeFor(face, chain, ALL)).toBe(1);
  expect(placeFor(track, [coco.stage], ALL)).toBe(1);
  expect(placeFor(coco, [], ALL)).toBe(0);
});

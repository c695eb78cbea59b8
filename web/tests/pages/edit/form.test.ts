import { expect, test } from "vitest";
import {
  fieldsOf,
  hintOf,
  same,
  slides,
  spelled,
  stepOf,
  trimmed,
} from "../../../src/pages/edit/form";

const SCHEMA = {
  $ref: "#/$defs/Detect",
  $defs: {
    Detect: {
      type: "object",
      properties: {
        name: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
        workers: { type: "integer", minimum: 1, maximum: 64, default: 1, description: "threads" },
        timeout_s: { type: "number", exclusiveMinimum: 0, default: 10 },
        lane: { enum: ["process", "thread"], default: "thread" },
        smooth: { type: "boolean", default: true },
        classes: {
          anyOf: [{ type: "array", items: { type: "string" } }, { type: "null" }],
          default: null,
        },
        parts: { type: "array", items: { enum: ["body", "face"] }, default: ["body"] },
        confidence: {
          anyOf: [{ type: "number", minimum: 0, maximum: 1 }, { type: "null" }],
          default: null,
        },
        every: {
          anyOf: [{ type: "integer", minimum: 1, maximum: 1000 }, { enum: ["auto"] }],
          default: 1,
        },
        grid: { anyOf: [{ $ref: "#/$defs/Grid" }, { type: "null" }], default: null },
        labels: {
          anyOf: [
            { type: "string" },
            { type: "array", items: { type: "string" } },
            { type: "null" },
          ],
          default: null,
        },
        alike: { type: "array", items: { type: "array", items: { type: "string" } }, default: [] },
      },
    },
    Grid: {
      type: "object",
      properties: { cell_px: { type: "integer", minimum: 16, maximum: 10000, default: 70 } },
    },
  },
};

const fields = fieldsOf(SCHEMA);
const by = (key: string) => {
  const found = fields.find((each) => each.key === key);
  if (found === undefined) throw new Error(key);
  return found;
};

test("each kind of setting has its control", () => {
  const kinds = Object.fromEntries(fields.map(({ key, control }) => [key, control.kind]));
  expect(kinds).toEqual({
    name: "text",
    workers: "number",
    timeout_s: "number",
    lane: "choice",
    smooth: "switch",
    classes: "words",
    parts: "words",
    confidence: "number",
    every: "number-or-word",
    grid: "group",
    labels: "json",
    alike: "json",
  });
  expect(by("parts").control).toEqual({ kind: "words", options: ["body", "face"] });
  expect(by("every").control).toEqual({
    kind: "number-or-word",
    words: ["auto"],
    least: 1,
    most: 1000,
  });
});

test("what may be left out, its default and its meaning", () => {
  expect([by("confidence").optional, by("workers").optional]).toEqual([true, false]);
  expect([by("confidence").fallback, by("workers").fallback]).toEqual([null, 1]);
  expect(by("workers").description).toBe("threads");
  const grid = by("grid");
  expect(grid.optional).toBe(true);
  expect(grid.control.kind === "group" && grid.control.fields[0]?.key).toBe("cell_px");
});

test("sliders for short ranges only", () => {
  const sliding = fields.filter(({ control }) => slides(control)).map(({ key }) => key);
  expect(sliding).toEqual(["workers", "confidence"]);
  expect([stepOf(0, 1, false), stepOf(1, 64, true), stepOf(0, 60, false)]).toEqual([0.01, 1, 0.5]);
});

test("defaults are not written", () => {
  const settings = { type: "detect", name: null, workers: 1, confidence: 0.5, parts: ["body"] };
  expect(trimmed(settings, fields)).toEqual({ type: "detect", confidence: 0.5 });
});

test("equal whatever the order of keys", () => {
  expect(same({ a: 1, b: [1, { c: 2, d: 3 }] }, { b: [1, { d: 3, c: 2 }], a: 1 })).toBe(true);
  expect(same([1, 2], [2, 1])).toBe(false);
});

test("hints are sentences", () => {
  expect(hintOf("lowest confidence to keep; None is the model's own.")).toBe(
    "Lowest confidence to keep; empty is the model's own.",
  );
  expect(hintOf("names. None finds all `x`.")).toBe("Names. Empty finds all x.");
});

test("settings of plug-ins are called by their own names", () => {
  expect([spelled("wait_time_s"), spelled("boxes")]).toEqual(["Wait time (s)", "Boxes"]);
});

test("has controls for places, lists of boxes and weights", () => {
  const share = { type: "number", minimum: 0, maximum: 1 };
  const tuple = (count: number) => ({
    type: "array",
    prefixItems: Array.from({ length: count }, () => share),
    items: false,
  });
  const [point, protect, boxes, weights] = fieldsOf({
    type: "object",
    properties: {
      point: { anyOf: [tuple(2), { type: "null" }], default: null },
      protect: { anyOf: [{ enum: ["auto", "off"] }, { type: "array", items: tuple(4) }] },
      boxes: { type: "array", items: tuple(4), default: [] },
      weights: { type: "object", additionalProperties: { ...share, maximum: 100 }, default: {} },
    },
  });
  const limit = { least: 0, most: 1 };
  expect(point?.control).toEqual({ kind: "numbers", limits: [limit, limit] });
  expect(point?.optional).toBe(true);
  const four = [limit, limit, limit, limit];
  expect(protect?.control).toEqual({ kind: "rows", limits: four, words: ["auto", "off"] });
  expect(boxes?.control).toEqual({ kind: "rows", limits: four, words: [] });
  expect(weights?.control).toEqual({ kind: "mapping", limits: { least: 0, most: 100 } });
});

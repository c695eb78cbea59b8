import { expect, test } from "vitest";
import { hintOf, labelOf, titleOf } from "../../../src/pages/edit/words";

test("hints are sentences", () => {
  expect(hintOf("lowest confidence to keep; None is the model's own.")).toBe(
    "Lowest confidence to keep; empty is the model's own.",
  );
  expect(hintOf("names. None finds all `x`.")).toBe("Names. Empty finds all x.");
});

test("settings of plug-ins are called by their own names", () => {
  expect(labelOf("confidence")).toBe("Confidence");
  expect(labelOf("wait_time_s")).toBe("Wait time (s)");
});

test("a stage is called by what it does, and with what", () => {
  expect(titleOf({ type: "detect", model: "coco-ssd" })).toBe("Detect: coco-ssd");
  expect(titleOf({ type: "detect", model: "/models/own.onnx" })).toBe("Detect: own.onnx");
  expect(titleOf({ type: "mine" })).toBe("mine");
});

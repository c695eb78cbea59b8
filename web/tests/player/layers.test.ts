import { expect, it } from "vitest";
import { DEFAULT_LAYERS, layersFrom } from "../../src/player/layers";

it("takes what was kept, and the default of all that was not or is nonsense", () => {
  expect(layersFrom(null)).toEqual(DEFAULT_LAYERS);
  expect(layersFrom("{oh")).toEqual(DEFAULT_LAYERS);
  expect(layersFrom("[1]")).toEqual(DEFAULT_LAYERS);
  const kept = '{"boxes": false, "labels": 3, "colourBy": "class", "unknown": true}';
  expect(layersFrom(kept)).toEqual({ ...DEFAULT_LAYERS, boxes: false, colourBy: "class" });
});

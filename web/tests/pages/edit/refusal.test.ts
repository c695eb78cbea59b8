import { expect, test } from "vitest";
import { refusalOf } from "../../../src/pages/edit/refusal";

test.each([
  [
    "Expected `float` <= 1.0 - at $.stages[1].confidence",
    { words: "Expected `float` <= 1.0", list: "stages", index: 1, key: "confidence" },
  ],
  [
    "the stage 'track' needs detections, which no stage before it gives - at $.stages[0]",
    { list: "stages", index: 0, key: null },
  ],
  [
    "fps: must be in 1..240 - at $.sinks[0]",
    { words: "must be in 1..240", list: "sinks", index: 0, key: "fps" },
  ],
  [
    "Expected `int`, got `str` - at $.stages[2].lines[0].start[1]",
    { list: "stages", index: 2, key: "lines" },
  ],
  [
    "Object contains unknown field `confidnce` - at $.stages[0]",
    { list: "stages", index: 0, key: "confidnce" },
  ],
  ["Expected `float` > 0.0 - at $.max_delay_s", { list: null, index: null, key: "max_delay_s" }],
  ["there is no stream 'a'", { words: "there is no stream 'a'", list: null, key: null }],
])("%s", (message, expected) => {
  expect(refusalOf(message)).toMatchObject(expected);
});

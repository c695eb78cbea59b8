import { expect, test } from "vitest";
import { yaml } from "../../../src/pages/edit/yaml";

test("a stream as a person would write it", () => {
  const stream = {
    streams: {
      street: {
        source: { type: "pattern", fps: 30 },
        stages: [
          { type: "detect", confidence: 0.5, classes: ["person", "cell phone"] },
          { type: "flux", lines: [{ name: "middle", start: [0, 0.5], end: [1, 0.5] }], grid: {} },
        ],
        max_delay_s: null,
      },
    },
  };
  expect(yaml(stream)).toBe(`streams:
  street:
    source:
      type: pattern
      fps: 30
    stages:
      - type: detect
        confidence: 0.5
        classes: [person, cell phone]
      - type: flux
        lines:
          - name: middle
            start: [0, 0.5]
            end: [1, 0.5]
        grid: {}
    max_delay_s: null
`);
});

test("words that YAML would take for something else stand in quotes", () => {
  const words = ["on", "1e3", "a: b", "- x", "#x", "", "null", "문", "rtsp://u:***@h/p", "a\nb"];
  const long = [...words, "x".repeat(80)];
  expect(yaml({ words: long })).toBe(`words:
  - "on"
  - "1e3"
  - "a: b"
  - "- x"
  - "#x"
  - ""
  - "null"
  - 문
  - "rtsp://u:***@h/p"
  - "a\\nb"
  - ${"x".repeat(80)}
`);
  expect(yaml({ words: words.slice(0, 3) })).toBe('words: ["on", "1e3", "a: b"]\n');
});

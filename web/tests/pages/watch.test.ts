import { expect, it } from "vitest";
import { jsonLines } from "../../src/pages/watch/json";
import { COMMAND_KEYS, LAYER_KEYS, letterOf } from "../../src/pages/watch/shortcuts";
import { snapshotName } from "../../src/pages/watch/snapshot";
import { LAYER_NAMES } from "../../src/player/layers";

const textOf = (value: unknown, most: number | null) =>
  jsonLines(value, most)
    .map(({ depth, parts }) => "  ".repeat(depth) + parts.map(({ words }) => words).join(""))
    .join("\n");

it("writes JSON that reads back as the same", () => {
  const value = {
    a: 1,
    "b\n": 'x"',
    c: [],
    d: {},
    e: [[1, 2], [3]],
    f: [{ g: null }, true, "t"],
    h: Array.from({ length: 40 }, (_, i) => i),
  };
  expect(JSON.parse(textOf(value, null))).toEqual(value);
  expect(textOf({ box: [1, 2.5, 3, 4], is: true }, null)).toBe(
    '{\n  "box": [1, 2.5, 3, 4],\n  "is": true\n}',
  );
});

it("cuts long lists, and says by how much", () => {
  const points = Array.from({ length: 20 }, (_, i) => [i, i]);
  expect(textOf({ points }, 3)).toContain("… + 17");
  expect(textOf({ points }, 3).split("\n")).toHaveLength(8);
});

it("names a snapshot by the time of the stream", () => {
  const at = (3600 + 2 * 60 + 3.456) * 90_000;
  expect(snapshotName("street", at)).toBe("street 01-02-03.456.png");
  expect(snapshotName("a/b: 거리", 0)).toBe("a_b_거리 00-00-00.000.png");
});

it("has a key of its own for each command and layer", () => {
  const keys = [...COMMAND_KEYS, ...LAYER_KEYS].map(([key]) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(new Set(LAYER_KEYS.map(([, layer]) => layer))).toEqual(new Set(LAYER_NAMES));
});

it("knows a key by its place where a keyboard writes other letters", () => {
  const press = (key: string, code: string, more = {}) =>
    letterOf({ key, code, ctrlKey: false, metaKey: false, altKey: false, ...more });
  expect(press("B", "KeyB")).toBe("b");
  expect(press("ㅠ", "KeyB")).toBe("b");
  expect(press("?", "Slash")).toBe("?");
  expect(press("b", "KeyB", { ctrlKey: true })).toBeNull();
  expect(press("Enter", "Enter")).toBeNull();
});

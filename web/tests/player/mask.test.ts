import { expect, it } from "vitest";
import { decodeMask } from "../../src/player/mask";

it("goes down the columns, from pixels that are none", () => {
  // Two rows, three columns; the first run is outside.
  expect([...(decodeMask({ size: [2, 3], counts: [1, 2, 3] }) ?? [])]).toEqual([0, 1, 0, 1, 0, 0]);
  expect([...(decodeMask({ size: [2, 2], counts: [0, 4] }) ?? [])]).toEqual([1, 1, 1, 1]);
});

it("refuses what does not fit together", () => {
  expect(decodeMask({ size: [2, 2], counts: [3] })).toBeNull();
  expect(decodeMask({ size: [2, 2], counts: [3, 3] })).toBeNull();
  expect(decodeMask({ size: [2, 2], counts: [-1, 5] })).toBeNull();
  expect(decodeMask({ size: [0, 2], counts: [] })).toBeNull();
  expect(decodeMask({ size: [1e6, 1e6], counts: [1e12] })).toBeNull();
});

import { expect, it } from "vitest";
import { apart } from "../../src/player/paint-viewports";

it("raises words that would cover others, and only those", () => {
  const first = [10, 200, 110, 220] as const;
  const beside = [120, 200, 220, 220] as const;
  const over = [60, 200, 160, 220] as const;
  expect(apart([first, beside])).toEqual([200, 200]);
  const [, , raised = 0] = apart([first, beside, over]);
  expect(raised).toBeLessThanOrEqual(180);
  const [, second = 0, third = 0] = apart([first, first, first]);
  expect(second).toBeLessThanOrEqual(180);
  expect(third).toBeLessThanOrEqual(second - 20);
});

import { expect, it } from "vitest";
import { ServerClock } from "../../src/player/clock";

const HOURS_MS = 5 * 3600 * 1000;
const AHEAD_MS = 1_795_000_000_000;

/** A question that takes `thereMs` to the server and `backMs` from it. */
function ask(
  clock: ServerClock,
  atMs: number,
  thereMs: number,
  backMs: number,
  aheadMs = AHEAD_MS,
) {
  clock.observe(atMs, atMs + thereMs + backMs, (atMs + thereMs + aheadMs) * 1e6);
}

it("knows nothing before it has asked", () => {
  expect(new ServerClock().at(0)).toBeNull();
});

it("is right to within half of the quickest round trip", () => {
  const clock = new ServerClock();
  ask(clock, 0, 30, 2);
  ask(clock, 100, 3, 1);
  ask(clock, 200, 1, 90);
  const found = clock.at(300);
  expect(found?.uncertaintyMs).toBeCloseTo(2, 0);
  expect(Math.abs((found?.offsetMs ?? 0) - AHEAD_MS)).toBeLessThanOrEqual(2);
});

it("grows less sure with time, and surer when it asks again", () => {
  const clock = new ServerClock();
  ask(clock, 0, 1, 1);
  const late = clock.at(600_000);
  expect(late?.uncertaintyMs).toBeGreaterThan(50);
  ask(clock, 600_000, 2, 2);
  expect(clock.at(600_010)?.uncertaintyMs).toBeLessThan(3);
});

it("forgets what it knew when a clock is set", () => {
  const clock = new ServerClock();
  ask(clock, 0, 1, 1);
  ask(clock, 1000, 5, 5, AHEAD_MS - HOURS_MS);
  const found = clock.at(1020);
  expect(Math.abs((found?.offsetMs ?? 0) - AHEAD_MS + HOURS_MS)).toBeLessThanOrEqual(5.1);
});

it("takes no nonsense", () => {
  const clock = new ServerClock();
  clock.observe(10, 5, 1e18);
  clock.observe(10, 15, Number.NaN);
  expect(clock.at(20)).toBeNull();
});

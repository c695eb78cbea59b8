import { describe, expect, it } from "vitest";
import {
  type Delay,
  DelayMeter,
  glassToGlass,
  type PictureTimes,
  playoutDelay,
} from "../../src/player/latency";
import { result } from "../results";

const OFFSET_MS = 1_795_000_000_000;
const CLOCK = { offsetMs: OFFSET_MS, uncertaintyMs: 2 };
const TIMES: PictureTimes = { receivedMs: 1030, decodeMs: 4, readyMs: 1040, seenMs: 1090 };

/** Captured at 1000 of the page's clock. */
const captured = { ...result(0), captured_unix_ns: (OFFSET_MS + 1000) * 1e6, latency_ns: 25e6 };
const sum = (delay: Delay | null) => delay?.stages.reduce((all, { ms }) => all + ms, 0);

describe("glassToGlass", () => {
  it("counts from the capture to the screen, and its stages add up", () => {
    const delay = glassToGlass(captured, TIMES, CLOCK, 1045);
    expect(delay?.ms).toBeCloseTo(90, 2);
    expect(sum(delay)).toBeCloseTo(90, 2);
    expect(delay?.stages.map(({ name }) => name)).toEqual(["way", "buffer", "decode", "held"]);
    expect(delay?.uncertaintyMs).toBe(2);
    expect(delay?.analysis).toMatchObject({ ms: 25 });
    expect(delay?.analysis?.arrivedMs).toBeCloseTo(45, 2);
  });

  it("does with less where a browser does not tell when a picture came", () => {
    const delay = glassToGlass(captured, { ...TIMES, receivedMs: null }, CLOCK, null);
    expect(delay?.ms).toBeCloseTo(90, 2);
    expect(sum(delay)).toBeCloseTo(90, 2);
  });

  it("adds the way from a camera whose clock can be right", () => {
    const ntp = (ms: number) => ({ ...captured, ntp_ns: captured.captured_unix_ns - ms * 1e6 });
    const near = glassToGlass(ntp(40), TIMES, CLOCK, null);
    expect(near?.ms).toBeCloseTo(130, 1);
    expect(sum(near)).toBeCloseTo(130, 1);
    for (const wrong of [3600_000, -40]) {
      expect(glassToGlass(ntp(wrong), TIMES, CLOCK, null)?.ms).toBeCloseTo(90, 1);
    }
  });

  it("tells nothing from clocks that cannot be compared", () => {
    expect(glassToGlass(captured, TIMES, null, null)).toBeNull();
    expect(glassToGlass(captured, TIMES, { ...CLOCK, uncertaintyMs: 51 }, null)).toBeNull();
    for (const hours of [-5, 5]) {
      const clock = { ...CLOCK, offsetMs: OFFSET_MS + hours * 3_600_000 };
      expect(glassToGlass(captured, TIMES, clock, null)).toBeNull();
    }
  });
});

it("without a common clock, tells the time in this page and half a round trip", () => {
  const delay = playoutDelay({ bufferMs: 20, decodeMs: 5, rttMs: 30 }, 60, null);
  expect(delay).toMatchObject({ kind: "playout", ms: 100, uncertaintyMs: null });
  expect(playoutDelay({ bufferMs: 20, decodeMs: 5, rttMs: null }, 0, null).ms).toBe(25);
});

it("reads the middle one of the last second", () => {
  const meter = new DelayMeter();
  const delay = (ms: number): Delay => ({
    kind: "glass",
    ms,
    uncertaintyMs: 1,
    stages: [],
    analysis: null,
  });
  meter.add(0, delay(900));
  for (const [i, ms] of [50, 400, 60].entries()) meter.add(1500 + i, delay(ms));
  expect(meter.read(1600)?.ms).toBe(60);
  expect(meter.read(9000)).toBeNull();
});

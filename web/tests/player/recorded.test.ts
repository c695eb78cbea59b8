import { expect, test } from "vitest";
import type { Result } from "../../src/client";
import { RecordedResults } from "../../src/player/recorded";

const FIRST_NS = 5_000_000_000;

function result(seq: number, timeS: number, left = seq): Result {
  return {
    type: "result",
    stream: "s",
    seq,
    pts_ns: FIRST_NS + Math.round(timeS * 1e9),
    rtp_timestamp: Math.round((FIRST_NS / 1e9 + timeS) * 90_000),
    captured_unix_ns: 0,
    size_px: [100, 100],
    latency_ns: 0,
    stages: [],
    dropped: {},
    objects: [
      { box: [left, 0, left + 10, 10], class_name: "a", class_id: 0, confidence: 1, tracker_id: 1 },
    ],
  };
}

function known(...results: Result[]): RecordedResults {
  const all = new RecordedResults(FIRST_NS);
  all.put(0, 100, results);
  return all;
}

test("a picture gets its own result, told exactly or by any time while it is shown", () => {
  const all = known(result(1, 0), result(2, 1 / 30), result(3, 2 / 30));
  for (const [timeS, seq] of [
    [0, 1],
    [0.033333, 2],
    [0.0334, 2],
    [0.06, 2],
    [0.066667, 3],
  ] as const) {
    const scene = all.scene(timeS);
    expect(scene.kind).toBe("exact");
    expect(scene.result?.seq).toBe(seq);
  }
});

test("frames that were not analysed are between their neighbours", () => {
  const all = known(result(1, 0, 0), result(4, 0.1, 30));
  expect(all.scene(0.02).kind).toBe("exact");
  const scene = all.scene(0.05);
  expect(scene.kind).toBe("between");
  expect(scene.objects[0]?.box[0]).toBeCloseTo(15);
});

test("nothing is drawn far from any result, before the first, and after the last", () => {
  const all = known(result(1, 1), result(121, 5));
  for (const timeS of [0.5, 3, 9]) expect(all.scene(timeS).kind).toBe("none");
});

test("a piece that is asked for again takes the place of what was known of it", () => {
  const all = known(result(1, 0), result(2, 8), result(3, 16));
  all.put(8, 16, [result(2, 8, 70), result(9, 9)]);
  expect(all.scene(8).objects[0]?.box[0]).toBe(70);
  expect(all.scene(9).result?.seq).toBe(9);
  expect(all.scene(16).result?.seq).toBe(3);
  all.keep(8, 16);
  expect(all.scene(0).kind).toBe("none");
  expect(all.scene(16).kind).toBe("none");
});

test("trails end in the box of the picture", () => {
  const all = known(result(1, 0, 0), result(2, 0.1, 10), result(3, 0.2, 20));
  const [trail] = all.scene(0.2).trails ?? [];
  expect(trail?.points.map(({ x }) => x)).toEqual([5, 15, 25]);
});

test("lines are where they were when it began, with the counts of the picture", () => {
  const counted = (seq: number, timeS: number, count: number): Result => ({
    ...result(seq, timeS),
    extra: { flux: { lines: [{ name: "road", in: { car: count }, out: {} }], zones: [] } },
  });
  const line = { name: "road", start: [0, 0.5], end: [1, 0.5] };
  const spec = { stages: [{ type: "flux", units: "fraction", lines: [line] }] };
  const all = new RecordedResults(FIRST_NS, spec);
  all.put(0, 100, [counted(1, 0, 1), counted(2, 0.04, 2)]);
  for (const [timeS, count] of [
    [0, 1],
    [0.04, 2],
  ] as const) {
    expect(all.scene(timeS).regions).toEqual([
      { kind: "line", name: "road", start: [0, 50], end: [100, 50], in: count, out: 0 },
    ]);
  }
});

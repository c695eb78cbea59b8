import { expect, test } from "vitest";
import { dashOf, happened, stacked, summaryOf, total } from "../src/charts/lines";
import type { History, SessionFigures, StreamHistory } from "../src/client/figures";
import { continued } from "../src/pages/dashboard/merge";
import { sorted } from "../src/pages/dashboard/session-columns";

function stream(points: (number | null)[], drops: StreamHistory["dropped_per_s"]): StreamHistory {
  const stage = { name: "detect", present: true, waiting: points, waiting_ms: points };
  return {
    id: "a",
    present: true,
    captured_fps: points,
    delivered_fps: points,
    latency_ms: { p50: points },
    waiting_ms: points,
    viewers: points,
    dropped_per_s: drops,
    skipped_per_s: {},
    sink_dropped_per_s: {},
    stages: [{ ...stage, fps: points, ms: { p95: points }, dropped_per_s: {}, skipped_per_s: {} }],
  };
}

function history(times: number[], streams: StreamHistory[], gpu = false): History {
  const some = times.map((time) => time * 10);
  const server = { cpu_cores: some, rss_mib: some, processes: some, threads: some };
  const gpus = gpu
    ? [{ index: 0, name: "H200", memory_total_mib: 1, percent: some, memory_mib: some }]
    : [];
  return {
    unix_s: times,
    step_s: 2,
    sample_s: 2,
    server: { ...server, streams: some, viewers: some, readers: some, gpus },
    streams,
  };
}

test("goes on with what is new, and replaces the point that was not complete", () => {
  const before = history([2, 4, 6], [stream([1, 2, 3], { "x/late": [0, 0, 1] })]);
  const update = history(
    [6, 8],
    [stream([33, 4], { "x/late": [2, 2], "y/overrun": [5, 6] })],
    true,
  );
  const joined = continued(before, update, 300);
  const [found] = joined?.streams ?? [];
  expect(joined?.unix_s).toEqual([2, 4, 6, 8]);
  expect(joined?.server.cpu_cores).toEqual([20, 40, 60, 80]);
  expect(joined?.server.gpus[0]?.percent).toEqual([null, null, 60, 80]);
  expect(found?.captured_fps).toEqual([1, 2, 33, 4]);
  expect(found?.latency_ms.p50).toEqual([1, 2, 33, 4]);
  expect(found?.dropped_per_s).toEqual({ "x/late": [0, 0, 2, 2], "y/overrun": [null, null, 5, 6] });
  expect(found?.stages[0]?.ms.p95).toEqual([1, 2, 33, 4]);
});

test("keeps no more than is shown", () => {
  const before = history([2, 4, 6], [stream([1, 2, 3], {})]);
  const joined = continued(before, history([8], [stream([4], {})]), 4);
  expect(joined?.unix_s).toEqual([6, 8]);
  expect(joined?.streams[0]?.captured_fps).toEqual([3, 4]);
});

test("gives a stream that is new its gap", () => {
  const joined = continued(history([2, 4], []), history([4, 6], [stream([1, 2], {})]), 300);
  expect(joined?.streams[0]?.captured_fps).toEqual([null, 1, 2]);
});

test("asks for all again where the two do not meet", () => {
  const before = history([2, 4], []);
  expect(continued(before, history([20, 22], []), 300)).toBeNull();
  expect(continued(before, { ...history([6], []), step_s: 6 }, 300)).toBeNull();
});

test("stacks parts of a whole, and keeps gaps", () => {
  const lines = [
    { name: "a", values: [1, null, null] },
    { name: "b", values: [2, 5, null] },
  ];
  expect(stacked(lines, 3)).toEqual([
    [1, null, null],
    [3, 5, null],
  ]);
  expect(
    total(
      [
        [1, null],
        [2, null],
      ],
      2,
    ),
  ).toEqual([3, null]);
});

test("says what a line does", () => {
  expect(summaryOf([3, null, 9, 1])).toEqual({ now: 1, least: 1, most: 9 });
  expect(summaryOf([])).toEqual({ now: null, least: null, most: null });
  expect(happened([0, null])).toBe(false);
  expect(dashOf(3)).toBeUndefined();
  expect(dashOf(9)).toBeDefined();
});

test("sorts viewers, those of whom nothing is known at the end", () => {
  const of = (id: string, rtt_s: number | null) => ({ id, server: { rtt_s } }) as SessionFigures;
  const all = [of("none", null), of("far", 0.2), of("near", 0.01)];
  expect(sorted(all, "rtt", false).map(({ id }) => id)).toEqual(["near", "far", "none"]);
  expect(sorted(all, "rtt", true).map(({ id }) => id)).toEqual(["far", "near", "none"]);
});

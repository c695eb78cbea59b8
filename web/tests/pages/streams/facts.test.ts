import { expect, test } from "vitest";
import type { StreamInfo, StreamState } from "../../../src/client";
import { inOrder, linkTo, matches, troubleOf } from "../../../src/pages/streams/facts";

const info = (state: StreamState, detail = ""): StreamInfo => ({
  id: "Front door",
  state,
  detail,
  live: true,
  source: { type: "url", label: "rtsp://viewer:***@camera.local/live" },
  size_px: null,
  fps: 0,
  captured: 0,
  delivered: 0,
  dropped: {},
  latency_ms: {},
  stages_ms: {},
  sinks: [],
});
const problem = (where: string, unixMs: number) => ({
  type: "problem" as const,
  stream: "Front door",
  where,
  message: "no route to host",
  unix_ns: unixMs * 1e6,
});

test("a stream that failed or tries again says why", () => {
  const failed = troubleOf(info("failed", "no such host"), undefined, 0);
  expect(failed).toEqual({ kind: "failed", where: "", message: "no such host" });
  const again = troubleOf(info("reconnecting", "timed out; trying again in 3 s"), undefined, 0);
  expect(again).toEqual({ kind: "reconnecting", where: "source", message: "timed out" });
});

test("a problem of a running stream is news for a while", () => {
  expect(troubleOf(info("running"), problem("detect", 1000), 2000)).toEqual({
    kind: "stage",
    where: "detect",
    message: "no route to host",
  });
  expect(troubleOf(info("running"), problem("detect", 1000), 60_000)).toBeNull();
  expect(troubleOf(info("stopped"), problem("source", 1000), 2000)).toBeNull();
  expect(troubleOf(info("running"), undefined, 0)).toBeNull();
});

test("streams are found by all words, in name, source and state", () => {
  expect(matches(info("running"), "DOOR camera", "all")).toBe(true);
  expect(matches(info("running"), "door garage", "all")).toBe(false);
  expect(matches(info("failed"), "", "trouble")).toBe(true);
  expect(matches(info("failed"), "", "running")).toBe(false);
});

test("a link can be opened elsewhere", () => {
  expect(linkTo("Front door", "https://h/x/")).toBe("https://h/x/#/watch/Front%20door");
});

test("streams that rest come last, the others stay where they are", () => {
  const states: StreamState[] = ["waiting", "failed", "stopped", "running", "reconnecting"];
  const order = inOrder(states.map((state) => info(state))).map(({ state }) => state);
  expect(order).toEqual(["failed", "running", "reconnecting", "waiting", "stopped"]);
});

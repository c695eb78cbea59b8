import { afterEach, expect, test, vi } from "vitest";
import { Api } from "../../src/client";
import { browserOf, type Entry, NumbersReader, Reporter, reportOf } from "../../src/client/report";

/** As Chromium tells it, one second of 30 fps after `seconds`. */
function chromium(seconds: number): Entry[] {
  return [
    { type: "codec", id: "C", mimeType: "video/H264" },
    { type: "candidate-pair", state: "succeeded", nominated: true, currentRoundTripTime: 0.02 },
    { type: "inbound-rtp", kind: "audio", packetsLost: 77 },
    {
      type: "inbound-rtp", kind: "video", timestamp: 1000 * seconds, codecId: "C",
      frameWidth: 1280, frameHeight: 720, framesDecoded: 30 * seconds, bytesReceived: 125_000 * seconds,
      framesReceived: 30 * seconds, framesDropped: 1, jitter: 0.002, packetsLost: -2,
      packetsReceived: 100 * seconds, nackCount: 3, pliCount: 1, firCount: 0,
      jitterBufferDelay: 1 + 0.6 * seconds, jitterBufferEmittedCount: 30 * seconds,
      totalDecodeTime: 0.06 * seconds, totalProcessingDelay: 0.9 * seconds,
      freezeCount: 2, totalFreezesDuration: 0.75, keyFramesDecoded: 4,
    },
  ]; // biome-ignore format: as many lines as a browser's own
}

test("tells what Chromium measures, rates as they were of late", () => {
  const reader = new NumbersReader();
  reader.take(chromium(10));
  const numbers = reader.take(chromium(12));
  expect(numbers).toMatchObject({
    codec: "H264", widthPx: 1280, heightPx: 720, bitrateBps: 1_000_000, fps: 30,
    packetsLost: 0, nacks: 3, plis: 1, freezes: 2, frozenS: 0.75, keyframesDecoded: 4,
    heldMs: null, glassToGlassMs: null,
  }); // biome-ignore format: a table
  expect(numbers?.rttMs).toBeCloseTo(20);
  expect(numbers?.jitterBufferMs).toBeCloseTo(20);
  expect(numbers?.decodeMs).toBeCloseTo(2);
  expect(numbers?.playoutMs).toBeCloseTo(30);
});

test("leaves out what Firefox does not measure", () => {
  const reader = new NumbersReader();
  const video = { type: "inbound-rtp", kind: "video", timestamp: 1000, framesDecoded: 30 };
  reader.take([video]);
  const numbers = reader.take([{ ...video, timestamp: 3000, framesDecoded: 90 }]);
  if (numbers === null) throw new Error("no numbers");
  expect(numbers.fps).toBeCloseTo(30);
  expect(numbers.freezes).toBeNull();
  expect(numbers.rttMs).toBeNull();
  expect(Object.keys(reportOf(numbers)).sort()).toEqual(["fps", "frames_decoded"]);
});

test("has nothing to tell before there is video", () => {
  expect(new NumbersReader().take([{ type: "transport" }])).toBeNull();
});

test("goes on when a session begins to count anew", () => {
  const reader = new NumbersReader();
  reader.take(chromium(100));
  const numbers = reader.take(chromium(1).map((entry) => ({ ...entry, timestamp: 101_000 })));
  expect(numbers?.fps).toBeCloseTo(30);
  expect(numbers?.jitterBufferMs).toBeGreaterThan(0);
});

test("gives the server its own names, and nothing that it would refuse", () => {
  const numbers = new NumbersReader().take(chromium(5));
  if (numbers === null) throw new Error("no numbers");
  const report = reportOf({ ...numbers, rttMs: Number.NaN, browser: "x".repeat(100), heldMs: -3 });
  expect(report).toMatchObject({ width_px: 1280, frozen_s: 0.75, packets_received: 500 });
  expect(report).not.toHaveProperty("rtt_ms");
  expect(report).not.toHaveProperty("held_ms");
  expect(report).not.toHaveProperty("glass_to_glass_ms");
  expect(report.browser).toHaveLength(64);
});

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox 153"],
  [
    "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0 Safari/537.36",
    "Chromium 141",
  ],
  ["Mozilla/5.0 Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "Edge 141"],
  [
    "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1",
    "Safari 18",
  ],
  ["curl/8", null],
])("knows a browser by %s", (userAgent, name) => {
  expect(browserOf(userAgent)).toBe(name);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function connection(): RTCPeerConnection {
  let seconds = 0;
  const getStats = async () => new Map(chromium(++seconds).map((entry, at) => [String(at), entry]));
  return { getStats } as unknown as RTCPeerConnection;
}

async function reports(status: number, turns: number): Promise<unknown[]> {
  vi.useFakeTimers();
  const fetched = vi.fn(async (_url: string, init: RequestInit) => {
    sent.push(JSON.parse(String(init.body)));
    return new Response(null, { status });
  });
  const sent: unknown[] = [];
  vi.stubGlobal("fetch", fetched);
  const ended = new AbortController();
  const api = new Api("http://127.0.0.1/");
  const reporter = new Reporter(api, connection(), "http://127.0.0.1/whep/a/b", ended.signal, 2000);
  reporter.more = () => ({ heldMs: 40, glassToGlassMs: 100 });
  await vi.advanceTimersByTimeAsync(2000 * turns + 100);
  ended.abort();
  await vi.advanceTimersByTimeAsync(10_000);
  if (turns > 0) expect(fetched.mock.calls[0]?.[0]).toBe("http://127.0.0.1/whep/a/b/report");
  expect(reporter.numbers?.heldMs).toBe(40);
  return sent;
}

test("reports every two seconds, until the session ends", async () => {
  const sent = await reports(204, 3);
  expect(sent).toHaveLength(3);
  expect(sent[2]).toMatchObject({ held_ms: 40, glass_to_glass_ms: 100, playout_ms: 70 });
});

test("does not bother a server that takes no reports, but reads on", async () => {
  expect(await reports(404, 3)).toHaveLength(1);
});

test("tries again after a server was busy", async () => {
  expect(await reports(429, 3)).toHaveLength(3);
});

/** How old a picture is when it is seen, and where the time went. */

import type { Result } from "../client";
import type { Offset } from "./clock";

/** When a picture passed through this page, by `performance.now()`. */
export interface PictureTimes {
  /** Its last packet came; null where the browser does not tell. */
  receivedMs: number | null;
  /** How long the decoder took. */
  decodeMs: number | null;
  /** The browser had it ready. */
  readyMs: number;
  /** It was put on the screen, or will be at the next refresh. */
  seenMs: number;
}

/**
 * - `camera`: from the lens to the server, by the publisher's clock.
 * - `way`: encoding at the server, and the network.
 * - `buffer`: waiting for the decoder, `decode`: in it.
 * - `held`: waiting for the results of the same frame.
 * - `screen`: until the screen is drawn anew.
 * - `analysis` and each stage: at the server, at the same time as the others.
 */
export type StageName =
  | "camera"
  | "way"
  | "network"
  | "buffer"
  | "decode"
  | "ready"
  | "held"
  | "screen";

export interface Stage {
  name: StageName;
  ms: number;
}

export interface Delay {
  /** `glass`: from the camera or its first byte to the screen. `playout`: of this page alone. */
  kind: "glass" | "playout";
  ms: number;
  /** null for `playout`, which rests on no other clock. */
  uncertaintyMs: number | null;
  /** They add up to `ms`. */
  stages: readonly Stage[];
  /** Of the results of the same frame; null without. */
  analysis: { ms: number; stages: Result["stages"]; arrivedMs: number | null } | null;
}

/** A clock that is less sure tells nothing of use. */
export const MOST_UNCERTAIN_MS = 50;
/** Older pictures are of a clock that is wrong. */
const OLDEST_MS = 60_000;
/** A camera's clock that disagrees by more is not believed. */
const CAMERA_MOST_MS = 2000;

/** From the capture of this very frame; null where the clocks do not allow to tell. */
export function glassToGlass(
  result: Result,
  times: PictureTimes,
  clock: Offset | null,
  arrivedAtMs: number | null,
): Delay | null {
  if (clock === null || clock.uncertaintyMs > MOST_UNCERTAIN_MS) return null;
  const capturedMs = result.captured_unix_ns / 1e6 - clock.offsetMs;
  const ms = times.seenMs - capturedMs;
  if (!(ms > -clock.uncertaintyMs && ms < OLDEST_MS)) return null;
  const stages: Stage[] = [];
  const cameraMs = result.ntp_ns == null ? -1 : (result.captured_unix_ns - result.ntp_ns) / 1e6;
  const camera = cameraMs > 0 && cameraMs < CAMERA_MOST_MS ? cameraMs : 0;
  if (camera > 0) stages.push({ name: "camera", ms: camera });
  stages.push(...stagesHere(times, capturedMs));
  const arrivedMs = arrivedAtMs === null ? null : arrivedAtMs - capturedMs;
  const analysis = { ms: result.latency_ns / 1e6, stages: result.stages, arrivedMs };
  return {
    kind: "glass",
    ms: Math.max(0, ms + camera),
    uncertaintyMs: clock.uncertaintyMs,
    stages,
    analysis,
  };
}

function stagesHere(times: PictureTimes, capturedMs: number): Stage[] {
  const { receivedMs, decodeMs, readyMs, seenMs } = times;
  if (receivedMs === null || receivedMs > readyMs) {
    return [
      { name: "ready", ms: readyMs - capturedMs },
      { name: "held", ms: seenMs - readyMs },
    ];
  }
  const decode = Math.min(decodeMs ?? 0, readyMs - receivedMs);
  return [
    { name: "way", ms: receivedMs - capturedMs },
    { name: "buffer", ms: readyMs - receivedMs - decode },
    { name: "decode", ms: decode },
    { name: "held", ms: seenMs - readyMs },
  ];
}

/** What the browser's own statistics tell: how long pictures were in this page. */
export interface PlayoutFacts {
  bufferMs: number;
  decodeMs: number;
  rttMs: number | null;
}

/** Without a common clock: half a round trip, and the time in this page. */
export function playoutDelay(facts: PlayoutFacts, heldMs: number, result: Result | null): Delay {
  const stages: Stage[] = [];
  if (facts.rttMs !== null) stages.push({ name: "network", ms: facts.rttMs / 2 });
  stages.push(
    { name: "buffer", ms: facts.bufferMs },
    { name: "decode", ms: facts.decodeMs },
    { name: "held", ms: heldMs },
  );
  return {
    kind: "playout",
    ms: stages.reduce((sum, stage) => sum + stage.ms, 0),
    uncertaintyMs: null,
    stages,
    analysis:
      result === null
        ? null
        : { ms: result.latency_ns / 1e6, stages: result.stages, arrivedMs: null },
  };
}

/** The middle one of the last second: single pictures jump. */
export class DelayMeter {
  #delays: { atMs: number; delay: Delay }[] = [];

  add(atMs: number, delay: Delay): void {
    this.#delays.push({ atMs, delay });
    if (this.#delays.length > 120) this.#delays.shift();
  }

  clear(): void {
    this.#delays = [];
  }

  read(nowMs: number, windowMs = 1000): Delay | null {
    this.#delays = this.#delays.filter(({ atMs }) => nowMs - atMs < windowMs);
    const sorted = this.#delays.map(({ delay }) => delay).sort((a, b) => a.ms - b.ms);
    return sorted[sorted.length >> 1] ?? null;
  }
}

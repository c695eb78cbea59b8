/** How a viewer fares, by what his browser measures; told to the server every two seconds. */

import type { Api } from "./api";
import { ApiError } from "./errors";

/** Null is what this browser does not tell. "Of late" is since the last reading. */
export interface PlayerNumbers {
  browser: string | null;
  codec: string | null;
  /** Of the picture as it is decoded. */
  widthPx: number | null;
  heightPx: number | null;
  /** Decoded pictures per second, of late. */
  fps: number | null;
  bitrateBps: number | null;
  /** Of packets. */
  jitterMs: number | null;
  /** How long pictures waited for late packets, of late. */
  jitterBufferMs: number | null;
  /** Time to decode a picture, of late. */
  decodeMs: number | null;
  /** From a picture's first packet until it is decoded, and what the page holds it besides. */
  playoutMs: number | null;
  /** How long the page holds pictures for their results. */
  heldMs: number | null;
  /** From capture to the screen, where both clocks are known. */
  glassToGlassMs: number | null;
  rttMs: number | null;
  /** How often and how long the picture stood. */
  freezes: number | null;
  frozenS: number | null;
  packetsReceived: number | null;
  packetsLost: number | null;
  nacks: number | null;
  plis: number | null;
  firs: number | null;
  framesReceived: number | null;
  framesDecoded: number | null;
  framesDropped: number | null;
  keyframesDecoded: number | null;
}

/** What is read of the entries of `getStats`; TypeScript's own types lack the most. */
export type Entry = Readonly<Partial<Record<string, unknown>>>;

/** Reads one session's numbers again and again. */
export class NumbersReader {
  #before: Entry = {};

  /** null while there is no video. */
  async read(pc: RTCPeerConnection): Promise<PlayerNumbers | null> {
    return this.take([...((await pc.getStats()).values() as Iterable<Entry>)]);
  }

  take(entries: readonly Entry[]): PlayerNumbers | null {
    const video = entries.find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    if (video === undefined) return null;
    const mean = (sum: string, count: string) => inMs(this.#ratio(video, sum, count));
    const numbers: PlayerNumbers = {
      browser: browserOf(navigator.userAgent),
      codec: codecOf(entries.find(({ id }) => id !== undefined && id === video.codecId)),
      widthPx: count(video.frameWidth),
      heightPx: count(video.frameHeight),
      fps: this.#perSecond(video, "framesDecoded") ?? value(video.framesPerSecond),
      bitrateBps: scaled(this.#perSecond(video, "bytesReceived"), 8),
      jitterMs: inMs(value(video.jitter)),
      jitterBufferMs: mean("jitterBufferDelay", "jitterBufferEmittedCount"),
      decodeMs: mean("totalDecodeTime", "framesDecoded"),
      playoutMs: mean("totalProcessingDelay", "framesDecoded"),
      heldMs: null,
      glassToGlassMs: null,
      rttMs: inMs(value(entries.find(isUsed)?.currentRoundTripTime)),
      freezes: count(video.freezeCount),
      frozenS: value(video.totalFreezesDuration),
      packetsReceived: count(video.packetsReceived),
      packetsLost: count(video.packetsLost),
      nacks: count(video.nackCount),
      plis: count(video.pliCount),
      firs: count(video.firCount),
      framesReceived: count(video.framesReceived),
      framesDecoded: count(video.framesDecoded),
      framesDropped: count(video.framesDropped),
      keyframesDecoded: count(video.keyFramesDecoded),
    };
    this.#before = video;
    return numbers;
  }

  /** By how much a sum has grown since the last reading; null when that cannot be told. */
  #grown(video: Entry, name: string): number | null {
    const now = value(video[name]);
    if (now === null) return null;
    // A session made anew counts from zero.
    const before = value(this.#before[name]) ?? 0;
    return now >= before ? now - before : now;
  }

  #ratio(video: Entry, sum: string, counted: string): number | null {
    const grown = this.#grown(video, sum);
    const counts = this.#grown(video, counted);
    return grown === null || counts === null || counts <= 0 ? null : grown / counts;
  }

  #perSecond(video: Entry, name: string): number | null {
    const grown = this.#grown(video, name);
    const atMs = value(video.timestamp);
    const beforeMs = value(this.#before.timestamp);
    if (grown === null || atMs === null || beforeMs === null || atMs <= beforeMs) return null;
    return grown / ((atMs - beforeMs) / 1000);
  }
}

/** The names and bounds that the server knows; what is not told is left out. */
export function reportOf(numbers: PlayerNumbers): Record<string, string | number> {
  const report: Record<string, string | number> = {};
  for (const [name, told] of Object.entries(numbers) as [string, string | number | null][]) {
    if (told === null || (typeof told === "number" && (!Number.isFinite(told) || told < 0)))
      continue;
    const words = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    report[words] = typeof told === "number" ? Math.round(told * 100) / 100 : told.slice(0, 64);
  }
  return report;
}

/** Tells the server, as long as the session stands and the server listens. */
export class Reporter {
  /** What a player knows besides: `heldMs`, `glassToGlassMs`. */
  more: () => Partial<PlayerNumbers> = () => ({});
  /** Gets every reading. */
  onNumbers: (numbers: PlayerNumbers) => void = () => {};
  /** The last reading. */
  numbers: PlayerNumbers | null = null;
  readonly #reader = new NumbersReader();
  #heard = true;

  constructor(
    private readonly api: Api,
    private readonly pc: RTCPeerConnection,
    private readonly resource: string,
    signal: AbortSignal,
    everyMs = 2000,
  ) {
    const timer = setInterval(() => void this.#turn(signal), everyMs);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  async #turn(signal: AbortSignal): Promise<void> {
    try {
      const numbers = await this.#reader.read(this.pc);
      if (numbers === null || signal.aborted) return;
      Object.assign(numbers, this.more());
      if (numbers.heldMs !== null && numbers.playoutMs !== null)
        numbers.playoutMs += numbers.heldMs;
      this.numbers = numbers;
      this.onNumbers(numbers);
      if (this.#heard) await this.#tell(numbers, signal);
    } catch {
      // The session itself tells what is wrong with the server.
    }
  }

  async #tell(numbers: PlayerNumbers, signal: AbortSignal): Promise<void> {
    try {
      await this.api.request(`${this.resource}/report`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(reportOf(numbers)),
        signal,
      });
    } catch (error) {
      // A server that does not take reports will not take the next one.
      if (error instanceof ApiError && error.status >= 400 && error.status < 500)
        this.#heard = error.status === 429;
    }
  }
}

/** "Firefox 153": no more than one needs to tell faults of browsers apart. */
export function browserOf(userAgent: string): string | null {
  const known: [RegExp, string][] = [
    [/Edg(?:e|A|iOS)?\/(\d+)/, "Edge"],
    [/(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
    [/SamsungBrowser\/(\d+)/, "Samsung Internet"],
    [/(?:Chrome|Chromium|HeadlessChrome|CriOS)\/(\d+)/, "Chromium"],
    [/Version\/(\d+).*Safari/, "Safari"],
  ];
  for (const [pattern, name] of known) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return `${name} ${version}`;
  }
  return null;
}

function isUsed({ type, state, nominated }: Entry): boolean {
  return type === "candidate-pair" && state === "succeeded" && nominated !== false;
}

function codecOf(codec: Entry | undefined): string | null {
  const mime = codec?.mimeType;
  return typeof mime === "string" ? mime.slice(mime.indexOf("/") + 1) : null;
}

function value(told: unknown): number | null {
  return typeof told === "number" && Number.isFinite(told) ? told : null;
}

/** Packets that came twice may make a loss of less than none. */
function count(told: unknown): number | null {
  const found = value(told);
  return found === null ? null : Math.max(0, Math.round(found));
}

function inMs(seconds: number | null): number | null {
  return scaled(seconds, 1000);
}

function scaled(found: number | null, factor: number): number | null {
  return found === null ? null : found * factor;
}

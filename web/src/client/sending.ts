/** How a camera is being sent, from the browser's own statistics. */

/** Of the last moment; null where the browser does not tell. */
export interface SendStats {
  fps: number | null;
  bitrateBps: number | null;
  widthPx: number | null;
  heightPx: number | null;
  /** "H264" or "VP8". */
  codec: string | null;
  /** There and back. */
  rttMs: number | null;
  /** Share of packets that the server says it lost, 0 to 1. */
  lost: number | null;
  /** Why the picture is worse than asked for: "none", "cpu", "bandwidth" or "other". */
  limitedBy: string | null;
}

/** What is read of the entries of `getStats`; TypeScript's own types lack the most. */
type Entry = Partial<Record<string, number | string>> & { type: string };

export class SendStatsReader {
  #last: { atMs: number; bytes: number; frames: number } | null = null;

  constructor(private readonly pc: RTCPeerConnection) {}

  /** Rates are those since the last call. */
  async read(): Promise<SendStats> {
    const report = await this.pc.getStats();
    const entries = [...report.values()] as Entry[];
    const sent = entries.find(({ type, kind }) => type === "outbound-rtp" && kind === "video");
    const heard = entries.find(
      ({ type, kind }) => type === "remote-inbound-rtp" && kind === "video",
    );
    const codec = entries.find(({ id }) => id !== undefined && id === sent?.codecId);
    const mime = codec?.mimeType;
    const rates = this.#rates(sent);
    return {
      ...rates,
      fps: rates.fps ?? number(sent?.framesPerSecond),
      widthPx: number(sent?.frameWidth),
      heightPx: number(sent?.frameHeight),
      codec: typeof mime === "string" ? mime.slice(mime.indexOf("/") + 1) : null,
      rttMs: inMs(number(heard?.roundTripTime) ?? pathRtt(entries)),
      lost: number(heard?.fractionLost),
      limitedBy:
        typeof sent?.qualityLimitationReason === "string" ? sent.qualityLimitationReason : null,
    };
  }

  #rates(sent: Entry | undefined): { fps: number | null; bitrateBps: number | null } {
    const atMs = number(sent?.timestamp);
    const bytes = number(sent?.bytesSent);
    if (atMs === null || bytes === null) return { fps: null, bitrateBps: null };
    const now = { atMs, bytes, frames: number(sent?.framesEncoded) ?? 0 };
    const last = this.#last;
    if (last !== null && now.atMs <= last.atMs) return { fps: null, bitrateBps: null };
    this.#last = now;
    if (last === null) return { fps: null, bitrateBps: null };
    const seconds = (now.atMs - last.atMs) / 1000;
    return {
      fps: (now.frames - last.frames) / seconds,
      bitrateBps: ((now.bytes - last.bytes) * 8) / seconds,
    };
  }
}

function pathRtt(entries: Entry[]): number | null {
  const pair = entries.find(
    ({ type, state, nominated }) =>
      type === "candidate-pair" && state === "succeeded" && nominated !== undefined,
  );
  return number(pair?.currentRoundTripTime);
}

function number(value: number | string | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function inMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}

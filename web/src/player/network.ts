/** What the browser tells of a session's video: the newest second of it. */

/** Rates are per second; null is what this browser does not tell. */
export interface Network {
  bitrateBps: number;
  packets: number;
  lost: number;
  /** Of the packets since the last reading, 0..1. */
  lossRate: number;
  nacks: number;
  plis: number;
  keyframes: number | null;
  rttMs: number | null;
  jitterMs: number | null;
  /** Mean wait of a picture for the decoder, and in it. */
  bufferMs: number;
  decodeMs: number;
  sizePx: readonly [number, number] | null;
  fps: number;
  dropped: number;
  freezes: number;
  frozenS: number;
  codec: string;
  /** "udp host → host", say. */
  path: string;
}

type Entry = Readonly<Record<string, unknown>>;

interface Totals {
  atMs: number;
  bytes: number;
  packets: number;
  lost: number;
  emitted: number;
  bufferS: number;
  decoded: number;
  decodeS: number;
}

const number = (entry: Entry | undefined, key: string): number => {
  const value = entry?.[key];
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
};
const told = (entry: Entry | undefined, key: string): number | null =>
  typeof entry?.[key] === "number" ? number(entry, key) : null;
const text = (entry: Entry | undefined, key: string): string => {
  const value = entry?.[key];
  return typeof value === "string" ? value : "";
};

export class NetworkMeter {
  #before: Totals | null = null;

  /** null while there is no video. */
  async read(pc: RTCPeerConnection): Promise<Network | null> {
    const entries = new Map<string, Entry>();
    (await pc.getStats()).forEach((entry: Entry, id: string) => {
      entries.set(id, entry);
    });
    return this.take(entries, performance.now());
  }

  take(entries: ReadonlyMap<string, Entry>, atMs: number): Network | null {
    const all = [...entries.values()];
    const video = all.find((each) => each.type === "inbound-rtp" && each.kind === "video");
    if (video === undefined) return null;
    const totals = totalsOf(video, atMs);
    // A new session counts from zero.
    const again = this.#before !== null && totals.bytes >= this.#before.bytes;
    const before = again && this.#before !== null ? this.#before : { ...ZERO, atMs: atMs - 1000 };
    this.#before = totals;
    const since = (key: keyof Totals) => Math.max(0, totals[key] - before[key]);
    const seconds = Math.max(since("atMs") / 1000, 0.001);
    const pair = all.find(
      (each) => each.type === "candidate-pair" && each.state === "succeeded" && each.nominated,
    );
    const rtt = told(pair, "currentRoundTripTime");
    const came = since("packets") + since("lost");
    return {
      bitrateBps: (since("bytes") * 8) / seconds,
      packets: totals.packets,
      lost: totals.lost,
      lossRate: came > 0 ? since("lost") / came : 0,
      nacks: number(video, "nackCount"),
      plis: number(video, "pliCount"),
      keyframes: told(video, "keyFramesDecoded"),
      rttMs: rtt === null ? null : rtt * 1000,
      jitterMs: told(video, "jitter") === null ? null : number(video, "jitter") * 1000,
      bufferMs: (since("bufferS") / Math.max(since("emitted"), 1)) * 1000,
      decodeMs: (since("decodeS") / Math.max(since("decoded"), 1)) * 1000,
      sizePx:
        told(video, "frameWidth") === null
          ? null
          : [number(video, "frameWidth"), number(video, "frameHeight")],
      fps: since("decoded") / seconds,
      dropped: number(video, "framesDropped"),
      freezes: number(video, "freezeCount"),
      frozenS: number(video, "totalFreezesDuration"),
      codec: text(entries.get(text(video, "codecId")), "mimeType").replace(/^video\//i, ""),
      path: pathOf(pair, entries),
    };
  }
}

const ZERO: Totals = {
  atMs: 0,
  bytes: 0,
  packets: 0,
  lost: 0,
  emitted: 0,
  bufferS: 0,
  decoded: 0,
  decodeS: 0,
};

function totalsOf(video: Entry, atMs: number): Totals {
  return {
    atMs,
    bytes: number(video, "bytesReceived"),
    packets: number(video, "packetsReceived"),
    lost: number(video, "packetsLost"),
    emitted: number(video, "jitterBufferEmittedCount"),
    bufferS: number(video, "jitterBufferDelay"),
    decoded: number(video, "framesDecoded"),
    decodeS: number(video, "totalDecodeTime"),
  };
}

function pathOf(pair: Entry | undefined, entries: ReadonlyMap<string, Entry>): string {
  const ends = ["localCandidateId", "remoteCandidateId"].map((key) => entries.get(text(pair, key)));
  const [local, remote] = ends.map((end) => text(end, "candidateType"));
  if (!local || !remote) return "";
  return `${text(ends[0], "protocol")} ${local} → ${remote}`.trim();
}

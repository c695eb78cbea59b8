/** The columns of the table of viewers: what each shows, and what it is sorted by. Pure. */

import type { SessionFigures } from "../../client/figures";

export type Value = string | number | null;

export interface Column {
  /** Its words are `dashboard.columns.KEY`, and `dashboard.hints.KEY` say what it means. */
  key: keyof typeof VALUES;
  /** Behind each value. */
  unit?: string;
  digits?: number;
}

/** What a column is sorted by, and shown as unless the table knows better. */
export const VALUES = {
  stream: (each) => each.stream,
  kind: (each) => each.kind,
  rendition: (each) => each.rendition,
  address: (each) => each.address,
  browser: (each) => each.report?.browser ?? null,
  since: (each) => each.server.connected_s,
  picture: (each) =>
    each.report?.width_px && each.report.height_px
      ? each.report.width_px * each.report.height_px
      : null,
  fps: (each) => each.report?.fps ?? null,
  bitrate: (each) => each.server.bitrate_bps / 1e6,
  codec: (each) => each.server.codec,
  rtt: (each) => (each.server.rtt_s === null ? null : each.server.rtt_s * 1000),
  loss: (each) => each.server.loss * 100,
  lost: (each) => each.report?.packets_lost ?? each.server.packets_lost,
  nacks: (each) => each.server.nacks,
  plis: (each) => each.server.plis,
  recovered: (each) => each.server.recovered,
  keyframes: (each) => each.server.keyframe_interval_s,
  jitter: (each) => each.report?.jitter_ms ?? each.server.jitter_s * 1000,
  buffer: (each) => each.report?.jitter_buffer_ms ?? null,
  playout: (each) => each.report?.playout_ms ?? null,
  glass: (each) => each.report?.glass_to_glass_ms ?? null,
  frozen: (each) => each.report?.frozen_s ?? null,
  freezes: (each) => each.report?.freezes ?? null,
  undecoded: (each) => each.report?.frames_dropped ?? null,
  dropped: (each) => Object.values(each.server.dropped).reduce((all, count) => all + count, 0),
  sound: (each) => each.server.audio?.packets ?? null,
  soundLost: (each) => each.server.audio?.lost ?? null,
  resultsLost: (each) => each.server.messages_dropped,
} satisfies Record<string, (each: SessionFigures) => Value>;

export const COLUMNS: readonly Column[] = [
  { key: "stream" },
  { key: "kind" },
  { key: "rendition" },
  { key: "address" },
  { key: "browser" },
  { key: "since" },
  { key: "picture" },
  { key: "fps", digits: 1 },
  { key: "bitrate", unit: "Mbit/s", digits: 2 },
  { key: "codec" },
  { key: "rtt", unit: "ms", digits: 1 },
  { key: "loss", unit: "%", digits: 1 },
  { key: "lost" },
  { key: "nacks" },
  { key: "plis" },
  { key: "recovered" },
  { key: "keyframes", unit: "s", digits: 2 },
  { key: "jitter", unit: "ms", digits: 1 },
  { key: "buffer", unit: "ms", digits: 1 },
  { key: "playout", unit: "ms" },
  { key: "glass", unit: "ms" },
  { key: "frozen", unit: "s", digits: 1 },
  { key: "freezes" },
  { key: "undecoded" },
  { key: "dropped" },
  { key: "sound" },
  { key: "soundLost" },
  { key: "resultsLost" },
];

/** In the order of a column; what is not known stands at the end, whichever way. */
export function sorted(
  sessions: readonly SessionFigures[],
  key: Column["key"],
  descending: boolean,
): SessionFigures[] {
  const value: (each: SessionFigures) => Value = VALUES[key];
  return [...sessions].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    const order =
      typeof left === "number" && typeof right === "number"
        ? left - right
        : String(left).localeCompare(String(right));
    return descending ? -order : order;
  });
}

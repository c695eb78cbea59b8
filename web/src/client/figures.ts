/** How the server fares: `/api/stats`, `/api/history`, `/api/viewers` and `/api/log`. */

import type { Api } from "./api";
import type { StreamState } from "./types";

/** One value for each time; null where nothing is known. */
export type Points = (number | null)[];
export type Percentile = "p50" | "p95" | "p99";
export type Percentiles = Partial<Record<Percentile, Points>>;

export interface StageHistory {
  name: string;
  present: boolean;
  fps: Points;
  ms: Percentiles;
  waiting: Points;
  waiting_ms: Points;
  dropped_per_s: Record<string, Points>;
  skipped_per_s: Record<string, Points>;
}

export interface StreamHistory {
  id: string;
  present: boolean;
  captured_fps: Points;
  delivered_fps: Points;
  latency_ms: Percentiles;
  waiting_ms: Points;
  viewers: Points;
  dropped_per_s: Record<string, Points>;
  skipped_per_s: Record<string, Points>;
  sink_dropped_per_s: Record<string, Points>;
  stages: StageHistory[];
}

export interface GpuHistory {
  index: number;
  name: string;
  memory_total_mib: number | null;
  percent: Points;
  memory_mib: Points;
}

export interface ServerHistory {
  cpu_cores: Points;
  rss_mib: Points;
  processes: Points;
  threads: Points;
  streams: Points;
  viewers: Points;
  readers: Points;
  gpus: GpuHistory[];
}

/** Columns of one length: that of `unix_s`. */
export interface History {
  unix_s: number[];
  step_s: number;
  sample_s: number;
  server: ServerHistory;
  streams: StreamHistory[];
}

export interface StageStats {
  name: string;
  type: string;
  kind: "detector" | "tracker" | "descriptor" | "stage";
  fps: number;
  ms: Partial<Record<Percentile, number>>;
  done: number;
  dropped: Record<string, number>;
  skipped: Record<string, number>;
  waiting: number;
  waiting_ms: number;
  lane: "thread" | "process";
  workers: number;
  shared: boolean;
  given_up: boolean;
}

export interface StreamStats {
  id: string;
  state: StreamState;
  size_px: readonly [number, number] | null;
  captured_fps: number;
  delivered_fps: number;
  captured: number;
  delivered: number;
  dropped: Record<string, number>;
  latency_ms: Partial<Record<Percentile, number>>;
  viewers: number;
  stages: StageStats[];
}

export interface ServerStats {
  uptime_s: number;
  cpu_cores: number;
  rss_mib: number;
  processes: number;
  threads: number;
  streams: number;
  viewers: number;
  readers: Record<string, number>;
}

/** As it is now; rates are means over `window_s`. */
export interface Stats {
  unix_ns: number;
  window_s: number;
  server: ServerStats;
  streams: StreamStats[];
}

/** How the server sees the link of a session. */
export interface LinkStats {
  state: string;
  path: string | null;
  codec: string | null;
  connected_s: number;
  rtt_s: number | null;
  loss: number;
  jitter_s: number;
  bitrate_bps: number;
  packets: number;
  packets_lost: number;
  pictures: number;
  keyframes: number;
  keyframe_interval_s: number | null;
  nacks: number;
  plis: number;
  recovered: number;
  estimate_bps: number | null;
  dropped: Record<string, number>;
  messages: number;
  messages_dropped: number;
  /** Of the sound; null where there is none. */
  audio: { packets: number; lost: number; loss: number } | null;
}

/** What a viewer's player said last: `PlayerNumbers` by the names of the API. */
export interface PlayerReport {
  browser: string | null;
  codec: string | null;
  width_px: number | null;
  height_px: number | null;
  fps: number | null;
  bitrate_bps: number | null;
  jitter_ms: number | null;
  jitter_buffer_ms: number | null;
  decode_ms: number | null;
  playout_ms: number | null;
  held_ms: number | null;
  glass_to_glass_ms: number | null;
  rtt_ms: number | null;
  freezes: number | null;
  frozen_s: number | null;
  packets_lost: number | null;
  nacks: number | null;
  plis: number | null;
  frames_decoded: number | null;
  frames_dropped: number | null;
}

/** Who watches ("whep") or publishes ("whip"). */
export interface SessionFigures {
  id: string;
  kind: "whep" | "whip";
  stream: string;
  rendition: string;
  address: string;
  since_unix_ns: number;
  server: LinkStats;
  report: PlayerReport | null;
  report_age_s: number | null;
}

export interface LogEntry {
  number: number;
  revision: number;
  first_unix_ns: number;
  last_unix_ns: number;
  count: number;
  stream: string;
  kind: "state" | "problem";
  what: string;
  message: string;
}

export interface Log {
  revision: number;
  entries: LogEntry[];
}

export interface HistoryQuery {
  /** All streams, without their stages, if it is not given. */
  stream?: string | undefined;
  sinceS: number;
  points: number;
}

/** The figures of one server. Each throws `Unreachable` or `ApiError`. */
export class Figures {
  constructor(private readonly api: Api) {}

  history({ stream, sinceS, points }: HistoryQuery, signal: AbortSignal): Promise<History> {
    const since = String(Math.max(1, Math.min(3600, sinceS)));
    return this.#get("history", { since_s: since, points: String(points), stream }, signal);
  }

  stats(signal: AbortSignal): Promise<Stats> {
    return this.#get("stats", {}, signal);
  }

  async sessions(stream: string | undefined, signal: AbortSignal): Promise<SessionFigures[]> {
    const { sessions } = await this.#get<{ sessions: SessionFigures[] }>(
      "viewers",
      { stream },
      signal,
    );
    return sessions;
  }

  /** Of all streams; only what has changed since the revision `after`. */
  log(after: number, limit: number, signal: AbortSignal): Promise<Log> {
    return this.#get("log", { after: String(after), limit: String(limit) }, signal);
  }

  /** Where the same is a table. */
  csv(name: "history" | "viewers" | "log", query: Record<string, string | undefined>): string {
    return this.api.url(`api/${name}.csv${asQuery(query)}`);
  }

  async #get<Answer>(
    name: string,
    query: Record<string, string | undefined>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const response = await this.api.request(`api/${name}${asQuery(query)}`, { signal });
    return (await response.json()) as Answer;
  }
}

function asQuery(query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

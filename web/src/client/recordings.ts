/** Recordings: start, stop, list, play, delete. Functions throw `ApiError` or `Unreachable`. */

import type { Api } from "./api";
import type { Result, StreamSpec } from "./types";
import { parseMessage } from "./types";

/** Why a recording has ended; empty while it goes on. */
export type RecordingEnd =
  | ""
  | "asked"
  | "stream-ended"
  | "stream-failed"
  | "stream-stopped"
  | "length"
  | "disk"
  | "space"
  | "broken"
  | "server";

/** Times of the video count from its first picture. */
export interface Recording {
  id: string;
  stream: string;
  drawn: boolean;
  state: "recording" | "ended";
  began_unix_s: number;
  ended_unix_s: number | null;
  duration_s: number;
  size_bytes: number;
  frames: number;
  fps: number;
  size_px: readonly [number, number] | null;
  results: number;
  /** `pts_ns` of the results of the first picture. */
  first_pts_ns: number;
  stages: readonly string[];
  /** Settings of its `flux` stages when it began. */
  flux: NonNullable<StreamSpec["stages"]>;
  end: RecordingEnd;
  detail: string;
  /** [from, to] in seconds by class; only of a single recording. */
  seen: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  /** While it goes on: how much of the video can be played now. */
  playable_bytes: number;
}

export interface RecordingStorage {
  used_bytes: number;
  max_bytes: number | null;
  free_bytes: number;
  min_free_bytes: number;
  max_age_s: number | null;
  max_length_s: number;
}

export interface RecordingList {
  recordings: readonly Recording[];
  total: number;
  streams: readonly string[];
  storage: RecordingStorage;
}

const ROOT = "api/recordings";

function path(id: string, part = ""): string {
  return `${ROOT}/${encodeURIComponent(id)}${part}`;
}

/** The newest first. */
export async function listRecordings(
  api: Api,
  wanted: { stream?: string; state?: "recording" | "ended"; limit?: number } = {},
  signal?: AbortSignal,
): Promise<RecordingList> {
  const query = new URLSearchParams();
  if (wanted.stream !== undefined) query.set("stream", wanted.stream);
  if (wanted.state !== undefined) query.set("state", wanted.state);
  if (wanted.limit !== undefined) query.set("limit", String(wanted.limit));
  const response = await api.request(`${ROOT}?${query}`, signal ? { signal } : {});
  return (await response.json()) as RecordingList;
}

export async function readRecording(
  api: Api,
  id: string,
  signal?: AbortSignal,
): Promise<Recording> {
  const response = await api.request(path(id), signal ? { signal } : {});
  return (await response.json()) as Recording;
}

export async function startRecording(api: Api, stream: string, drawn = false): Promise<Recording> {
  const response = await api.request(`api/streams/${encodeURIComponent(stream)}/recordings`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ drawn }),
  });
  return (await response.json()) as Recording;
}

export async function stopRecording(api: Api, id: string): Promise<Recording> {
  const response = await api.request(path(id, "/stop"), { method: "POST" });
  return (await response.json()) as Recording;
}

export async function removeRecording(api: Api, id: string): Promise<void> {
  await api.request(path(id), { method: "DELETE" });
}

/** What was found from one moment of the video up to another, in order. */
export async function readRecordedResults(
  api: Api,
  id: string,
  fromS: number,
  toS: number,
  signal?: AbortSignal,
): Promise<Result[]> {
  const part = `/results?from_s=${fromS}&to_s=${toS}`;
  const response = await api.request(path(id, part), signal ? { signal } : {});
  const results: Result[] = [];
  for (const line of (await response.text()).split("\n")) {
    const message = parseMessage(line);
    if (message?.type === "result") results.push(message);
  }
  return results;
}

/** Addresses for `<video>`, `<img>` and links; `to` is `playable_bytes` while it goes on. */
export const recordingUrls = {
  video: (api: Api, id: string, to = 0) => api.url(path(id, to > 0 ? `/video?to=${to}` : "/video")),
  download: (api: Api, id: string) => api.url(path(id, "/video?download=1")),
  results: (api: Api, id: string) => api.url(path(id, "/results?download=1")),
  picture: (api: Api, id: string) => api.url(path(id, "/picture")),
};

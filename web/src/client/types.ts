/** What the server says. Mirrors `livelens.events` and the bodies of `/api`. */

export type StreamState =
  | "starting"
  | "running"
  | "waiting"
  | "reconnecting"
  | "ended"
  | "failed"
  | "stopped";

/** [xMin, yMin, xMax, yMax] in pixels of the frame. */
export type Box = readonly [number, number, number, number];

/** `pts_ns` is that of the latest frame it was measured on. A list holds points. */
export interface ObjectAttribute {
  value: number | string | boolean | null | readonly (readonly number[])[];
  score: number;
  pts_ns: number;
  scores?: Record<string, number>;
}

export interface DetectedObject {
  box: Box;
  class_name: string;
  class_id: number;
  confidence: number;
  tracker_id?: number | null;
  attributes?: Record<string, ObjectAttribute>;
  keypoints?: readonly (readonly [number, number])[];
  detector?: string;
  /** No detector looked at this frame: the tracker carried the box here. */
  predicted?: boolean;
}

/** Points of one part of one person, in pixels of the frame, in MediaPipe's order. */
export interface LandmarkSet {
  part: "body" | "face" | "left_hand" | "right_hand";
  person: number;
  score: number;
  points: readonly (readonly [number, number, number])[];
  visibility?: readonly number[];
}

/** Where persons are: runs of pixels that are not and that are, in turn, column by column. */
export interface Mask {
  /** [height, width], stretched over the frame. */
  size: readonly [number, number];
  counts: readonly number[];
}

/** What a virtual camera shows of a frame, of the stage `reframe`. */
export interface Viewport {
  box: Box;
  /** Width by height of the shot; a viewport of another shape is shown whole in it. */
  aspect: number;
  state: "following" | "holding" | "wide";
  /** tracker_ids of who is shown, the most important first. */
  subjects?: readonly number[];
  /** It has jumped here. */
  cut?: boolean;
}

export interface StageTime {
  stage: string;
  began_ns: number;
  took_ns: number;
}

/** One frame's outcome. `rtp_timestamp` is that of this very picture in every rendition. */
export interface Result {
  type: "result";
  stream: string;
  seq: number;
  pts_ns: number;
  rtp_timestamp: number;
  captured_unix_ns: number;
  size_px: readonly [number, number];
  latency_ns: number;
  stages: readonly StageTime[];
  dropped: Record<string, number>;
  objects: readonly DetectedObject[];
  landmarks?: readonly LandmarkSet[];
  mask?: Mask | null;
  /** Detectors that did not look at this frame. */
  undetected?: readonly string[];
  /** What stages tell besides, by their names. */
  extra?: Readonly<Record<string, unknown>>;
  /** Capture time by the sender's clock, where it tells. */
  ntp_ns?: number | null;
  /** What virtual cameras show, by the names of their stages. */
  viewports?: Readonly<Record<string, Viewport>>;
}

export interface Problem {
  type: "problem";
  stream: string;
  where: string;
  message: string;
  unix_ns: number;
}

export interface State {
  type: "state";
  stream: string;
  state: StreamState;
  unix_ns: number;
  detail: string;
}

export type Message = Result | Problem | State;

export interface SinkInfo {
  name: string;
  type: string;
  overlay?: boolean;
  /** The stage whose camera it shows; nothing for the whole picture. */
  viewport?: string | null;
  viewers?: number;
}

/** A row of `GET /api/streams`. */
export interface StreamInfo {
  id: string;
  state: StreamState;
  detail: string;
  live: boolean;
  source: { type: string; label: string };
  size_px: readonly [number, number] | null;
  fps: number;
  captured: number;
  delivered: number;
  dropped: Record<string, number>;
  latency_ms: Partial<Record<"p50" | "p95" | "p99", number>>;
  stages_ms: Record<string, Partial<Record<"p50" | "p95", number>>>;
  sinks: readonly SinkInfo[];
  /** What `POST /api/streams` would take, without passwords. */
  spec?: StreamSpec;
}

/** The settings of a stream, as far as the page reads them. */
export interface StreamSpec {
  stages?: readonly ({ type: string; name?: string | null } & Record<string, unknown>)[];
  sinks?: readonly ({ type: string; name?: string | null } & Record<string, unknown>)[];
}

/** A message from its JSON; null when it is not one. */
export function parseMessage(text: string): Message | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("type" in value)) return null;
    const known = value.type === "result" || value.type === "problem" || value.type === "state";
    return known ? (value as Message) : null;
  } catch {
    return null;
  }
}

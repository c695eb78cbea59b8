import type { Box, DetectedObject, Result } from "../src/client";

export function thing(trackerId: number | null, box: Box): DetectedObject {
  return { box, class_name: "person", class_id: 0, confidence: 0.9, tracker_id: trackerId };
}

export function result(rtpTimestamp: number, ...objects: DetectedObject[]): Result {
  return {
    type: "result",
    stream: "s",
    seq: 0,
    pts_ns: 0,
    rtp_timestamp: rtpTimestamp,
    captured_unix_ns: 0,
    size_px: [640, 360],
    latency_ns: 0,
    stages: [],
    dropped: {},
    objects,
  };
}

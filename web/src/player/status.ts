/** Why there is no picture: what is shown over it. */

import {
  ApiError,
  ConnectionLost,
  type LinkState,
  NoConnection,
  type StreamInfo,
  Unreachable,
} from "../client";

/** Something that the connection met. */
export interface Hindrance {
  kind:
    | "connecting"
    | "lost"
    | "unreachable"
    | "signedOut"
    | "forbidden"
    | "missing"
    | "full"
    | "busy"
    | "codec"
    | "noPath"
    | "refused";
  detail: string;
}

export interface Status {
  kind:
    | Hindrance["kind"]
    | "blocked"
    | "stopped"
    | "ended"
    | "failed"
    | "waiting"
    | "reconnecting"
    | "starting"
    | "pictures";
  /** What the server says, where it says more. */
  detail: string;
}

/** After this long without a picture the reason is told. */
export const NO_PICTURE_MS = 1500;

/** null when the connection stands. */
export function hindranceOf(state: LinkState, error: Error | null): Hindrance | null {
  if (state === "live") return null;
  return error === null ? { kind: "connecting", detail: "" } : faultOf(error);
}

function faultOf(error: Error): Hindrance {
  if (error instanceof Unreachable) return { kind: "unreachable", detail: "" };
  if (error instanceof ConnectionLost) return { kind: "lost", detail: "" };
  if (error instanceof ApiError) {
    const detail = error.message;
    switch (error.status) {
      case 401:
        return { kind: "signedOut", detail };
      case 403:
        return { kind: "forbidden", detail };
      case 404:
        return { kind: "missing", detail };
      case 429:
        return { kind: "busy", detail };
      case 503:
        return { kind: "full", detail };
      case 400:
        return { kind: canPlay() ? "refused" : "codec", detail };
      default:
        return { kind: "refused", detail };
    }
  }
  if (!canPlay()) return { kind: "codec", detail: "" };
  if (error instanceof NoConnection) return { kind: "noPath", detail: "" };
  return { kind: "refused", detail: error.message };
}

/** Whether this browser receives a codec that the server sends. */
export function canPlay(): boolean {
  if (typeof RTCPeerConnection === "undefined") return false;
  const codecs = RTCRtpReceiver.getCapabilities?.("video")?.codecs;
  return (
    codecs === undefined || codecs.some(({ mimeType }) => /^video\/(h264|vp8)$/i.test(mimeType))
  );
}

export interface Situation {
  info: StreamInfo | undefined;
  /** Whether the server answers at all. */
  server: "wait" | "up" | "down";
  hindrance: Hindrance | null;
  /** Since the last picture; Infinity before the first. */
  withoutPictureMs: number;
  /** The browser wants a click before it plays. */
  blocked: boolean;
}

export function isOver(info: StreamInfo): boolean {
  return info.state === "ended" || info.state === "failed" || info.state === "stopped";
}

/** null while pictures come. */
export function statusOf(situation: Situation): Status | null {
  const { info, server, hindrance, blocked } = situation;
  if (blocked) return { kind: "blocked", detail: "" };
  if (info !== undefined && isOver(info) && server !== "down") {
    return { kind: info.state as "ended" | "failed" | "stopped", detail: info.detail };
  }
  if (hindrance !== null) return hindrance;
  if (situation.withoutPictureMs < NO_PICTURE_MS) return null;
  if (server === "down") return { kind: "unreachable", detail: "" };
  if (info === undefined) return { kind: server === "up" ? "missing" : "pictures", detail: "" };
  if (info.state === "running") return { kind: "pictures", detail: "" };
  return { kind: info.state as "waiting" | "reconnecting" | "starting", detail: info.detail };
}

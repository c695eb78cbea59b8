/** Copies of the pictures that a video element shows, each with the RTP timestamp of its frame. */

import type { PictureTimes } from "./latency";
import { RtpFromMediaTime } from "./rtp";

export interface Picture {
  canvas: HTMLCanvasElement;
  times: Omit<PictureTimes, "seenMs">;
}

/** `VideoFrame.metadata()` names the frame itself in browsers that have it. */
interface FrameWithMetadata extends VideoFrame {
  metadata?(): { rtpTimestamp?: number };
}

/** Half a frame at 50 fps: how far an estimated timestamp may be off. */
export const ESTIMATE_TOLERANCE_TICKS = 900;

export class PictureTaker {
  #spare: HTMLCanvasElement[] = [];
  #estimated = new RtpFromMediaTime();

  constructor(private readonly video: HTMLVideoElement) {}

  /** A copy is reused once it is given back. */
  giveBack(picture: Picture): void {
    this.#spare.push(picture.canvas);
  }

  /**
   * The picture on the screen now; null when it cannot be had.
   *
   * The callback of a video frame may run when the next frame is already shown: where a
   * `VideoFrame` tells its own timestamp, that one is right and the callback's is not.
   */
  take(
    metadata: VideoFrameCallbackMetadata,
    receiver: RTCRtpReceiver,
    nowMs: number,
  ): { picture: Picture; rtpTimestamp: number | null; estimated: boolean } | null {
    const frame = this.#frame();
    const width = frame?.displayWidth ?? this.video.videoWidth;
    const height = frame?.displayHeight ?? this.video.videoHeight;
    try {
      if (width === 0 || height === 0) return null;
      const canvas = this.#spare.pop() ?? document.createElement("canvas");
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
      const context = canvas.getContext("2d", { alpha: false });
      if (context === null) return null;
      context.drawImage(frame ?? this.video, 0, 0, width, height);
      const told = frame?.metadata?.().rtpTimestamp ?? metadata.rtpTimestamp;
      const rtpTimestamp = told ?? this.#estimate(metadata.mediaTime, receiver);
      const times = timesOf(metadata, nowMs);
      return { picture: { canvas, times }, rtpTimestamp, estimated: told === undefined };
    } finally {
      frame?.close();
    }
  }

  #frame(): FrameWithMetadata | null {
    if (typeof VideoFrame === "undefined") return null;
    try {
      return new VideoFrame(this.video);
    } catch {
      return null;
    }
  }

  /** The timestamp of a picture that need not be copied. */
  timestampOf(metadata: VideoFrameCallbackMetadata, receiver: RTCRtpReceiver): number | null {
    return metadata.rtpTimestamp ?? this.#estimate(metadata.mediaTime, receiver);
  }

  #estimate(mediaTimeS: number, receiver: RTCRtpReceiver): number | null {
    const [source] = receiver.getSynchronizationSources();
    if (source !== undefined) this.#estimated.observe(mediaTimeS, source.rtpTimestamp);
    return this.#estimated.estimate(mediaTimeS);
  }
}

/** `nowMs`: when the picture was had. */
export function timesOf(
  metadata: VideoFrameCallbackMetadata,
  nowMs: number,
): Omit<PictureTimes, "seenMs"> {
  return {
    receivedMs: metadata.receiveTime ?? null,
    decodeMs: metadata.processingDuration === undefined ? null : metadata.processingDuration * 1000,
    readyMs: nowMs,
  };
}

/** Copies of the pictures that a video element shows, each with the RTP timestamp of its frame. */

import { RtpFromMediaTime } from "./rtp";

export interface Picture {
  canvas: HTMLCanvasElement;
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
      return { picture: { canvas }, rtpTimestamp, estimated: told === undefined };
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

  #estimate(mediaTimeS: number, receiver: RTCRtpReceiver): number | null {
    const [source] = receiver.getSynchronizationSources();
    if (source !== undefined) this.#estimated.observe(mediaTimeS, source.rtpTimestamp);
    return this.#estimated.estimate(mediaTimeS);
  }
}

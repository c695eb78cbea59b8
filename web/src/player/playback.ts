/** Plays a recording: every picture with what was found in it, drawn in one go. */

import type { Result } from "../client";
import { draw, type Scene, sizeToScreen } from "./draw";
import { DEFAULT_LAYERS, type Layers } from "./layers";
import type { RecordedResults } from "./recorded";
import { NOTHING } from "./timeline";
import { type CameraWords, cameraOf, wordsOf } from "./viewport";

export interface PlaybackElements {
  video: HTMLVideoElement;
  picture: HTMLCanvasElement;
  boxes: HTMLCanvasElement;
}

/** Where a browser tells only its clock, that lies this much before a picture's own time. */
const CLOCK_SLACK_S = 0.002;

/** What was drawn last, for tests and for the curious. */
export interface Played {
  timeS: number;
  scene: Scene;
}

export class Playback {
  layers: Layers = DEFAULT_LAYERS;
  /** Off where the pictures have been drawn on. */
  drawing = true;
  played: Played | null = null;
  /** What is written at the frame of a camera. */
  cameraWords: CameraWords = (name) => name;
  #callback = 0;
  #results: RecordedResults | null = null;

  /** `onPicture` is told the time of each picture that is shown. */
  constructor(
    private readonly elements: PlaybackElements,
    private readonly onPicture: (timeS: number) => void,
  ) {
    this.#next();
  }

  set results(results: RecordedResults) {
    this.#results = results;
    this.redraw();
  }

  get result(): Result | null {
    return this.played?.scene.kind === "exact" ? this.played.scene.result : null;
  }

  close(): void {
    this.elements.video.cancelVideoFrameCallback(this.#callback);
  }

  /** Draws over the same picture again, after new results or other layers. */
  redraw(): void {
    if (this.played === null) return;
    const found = this.#results?.scene(this.played.timeS);
    if (found === undefined) return;
    const scene = {
      ...found,
      camera: this.#cameraOf(found),
      cameraWords: wordsOf(found.viewports, this.cameraWords),
    };
    this.played = { ...this.played, scene };
    sizeToScreen(this.elements.boxes);
    const layers = this.drawing ? this.layers : ALL_OFF;
    draw(this.elements.boxes, scene, layers);
  }

  /** The picture with what is drawn over it. */
  snapshot(): HTMLCanvasElement | null {
    const { picture, boxes } = this.elements;
    if (this.played === null) return null;
    const canvas = document.createElement("canvas");
    canvas.width = picture.width;
    canvas.height = picture.height;
    const context = canvas.getContext("2d");
    if (context === null) return null;
    context.drawImage(picture, 0, 0);
    context.drawImage(boxes, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  /** A recording of what a camera showed has its shape. */
  #cameraOf({ result, viewports }: Scene): string | null {
    const { width, height } = this.elements.picture;
    return result === null ? null : cameraOf([width, height], result.size_px, viewports, null);
  }

  #next(): void {
    this.#callback = this.elements.video.requestVideoFrameCallback((_, metadata) => {
      this.#show(metadata);
      this.#next();
    });
  }

  #show(metadata: VideoFrameCallbackMetadata): void {
    const { video, picture } = this.elements;
    const frame = frameOf(video);
    try {
      const width = video.videoWidth;
      const height = video.videoHeight;
      if (width === 0 || height === 0) return;
      if (picture.width !== width) picture.width = width;
      if (picture.height !== height) picture.height = height;
      picture.getContext("2d", { alpha: false })?.drawImage(frame ?? video, 0, 0, width, height);
      const timeS = timeOf(frame, metadata, video);
      this.played = {
        timeS,
        scene: NOTHING,
      };
      this.redraw();
      this.onPicture(timeS);
    } finally {
      frame?.close();
    }
  }
}

const ALL_OFF: Layers = {
  boxes: false,
  labels: false,
  confidence: false,
  attributes: false,
  trails: false,
  keypoints: false,
  body: false,
  hands: false,
  face: false,
  mask: false,
  zones: false,
  grid: false,
  viewport: false,
  colourBy: "track",
};

function frameOf(video: HTMLVideoElement): VideoFrame | null {
  if (typeof VideoFrame === "undefined") return null;
  try {
    return new VideoFrame(video);
  } catch {
    return null;
  }
}

/**
 * A time at which the picture that was copied is shown.
 *
 * Chromium's `VideoFrame` tells its own time. Firefox's tells 0, and the callback's time is
 * that of the picture to come; the one that is drawn goes by the video's clock: while it plays
 * on a busy machine, that may be one picture behind. When it stands it is exact.
 */
function timeOf(
  frame: VideoFrame | null,
  metadata: VideoFrameCallbackMetadata,
  video: HTMLVideoElement,
): number {
  const toldS = (frame?.timestamp ?? 0) / 1e6;
  if (toldS > 0 && Math.abs(toldS - metadata.mediaTime) < 0.5) return toldS;
  if (metadata.mediaTime === 0) return 0;
  return video.currentTime + CLOCK_SLACK_S;
}

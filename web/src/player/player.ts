/**
 * Shows one stream: every picture with the boxes of its own frame.
 *
 * Pictures are copied as the browser shows them, held until their results are there (or not,
 * in `live` timing), and drawn together with their boxes in one go of the screen.
 */

import type { Result, StreamSpec, Viewing } from "../client";
import type { Offset } from "./clock";
import { draw, paint, type Scene, sizeToScreen } from "./draw";
import { HoldQueue } from "./hold";
import { type Delay, DelayMeter, glassToGlass, type PictureTimes } from "./latency";
import { DEFAULT_LAYERS, type Layers } from "./layers";
import { playAtOnce } from "./low-latency";
import { ESTIMATE_TOLERANCE_TICKS, type Picture, PictureTaker, timesOf } from "./pictures";
import { regionsOf } from "./regions";
import { type Kind, ResultTimeline } from "./timeline";
import { type CameraWords, cameraOf, type Size, wordsOf } from "./viewport";

/** `exact`: pictures wait for their boxes. `live`: boxes run ahead by estimate. */
export type Timing = "exact" | "live";

/** Without a result for this long, pictures wait for none. */
const SILENCE_MS = 1000;
const WINDOW_MS = 2000;
/** A snapshot's lines are as thick as on a screen that shows it this wide at least. */
const LEAST_WIDTH_PX = 640;

export interface Elements {
  video: HTMLVideoElement;
  picture: HTMLCanvasElement;
  boxes: HTMLCanvasElement;
}

/** What was drawn last, for tests and for the curious. */
export interface Drawn {
  rtpTimestamp: number;
  drawing: Scene;
  heldMs: number;
}

export interface PlayerStats {
  fps: number;
  /** From capture to the end of analysis, at the server; null without results. */
  analysisMs: number | null;
  /** How long pictures are held at present. */
  heldMs: number;
  /** Share of pictures of the last two seconds, by what their boxes are made of. */
  kinds: Record<Kind, number>;
  dropped: Record<string, number>;
  /** From capture to screen, where the clocks allow to tell. */
  delay: Delay | null;
}

export class Player {
  timing: Timing = "exact";
  layers: Layers = DEFAULT_LAYERS;
  /** Where lines and zones of the stream are. */
  spec: StreamSpec | undefined;
  /** Off for a rendition that the server has drawn on: the plain video is shown. */
  drawing = true;
  /** By how much a camera that looks ahead makes all results late. */
  set aheadMs(aheadMs: number) {
    this.#queue.aheadMs = aheadMs;
  }

  /** The virtual camera that the wanted rendition shows; null for the whole frame. */
  camera: string | null = null;
  /** What is written at the frame of a camera. */
  cameraWords: CameraWords = (name) => name;
  drawn: Drawn | null = null;
  /** What is known of the picture on the screen, drawn here or not. */
  seen: Scene | null = null;
  lastPictureMs = Number.NEGATIVE_INFINITY;
  /** The server's clock, where it is known. */
  clock: () => Offset | null = () => null;
  /** The browser does not play before it is clicked; or it does again. */
  onBlocked: (blocked: boolean) => void = () => {};
  /** A picture is on the screen; with its own result, or the one that its boxes are made from. */
  onShown: (rtpTimestamp: number, result: Result | null) => void = () => {};

  #timeline = new ResultTimeline();
  #arrivals = new WeakMap<Result, number>();
  #taker: PictureTaker;
  #queue: HoldQueue<Picture>;
  #delays = new DelayMeter();
  #lastResultMs = Number.NEGATIVE_INFINITY;
  #shown: { atMs: number; kind: Kind }[] = [];
  #presented: number[] = [];
  #viewing: Viewing | null = null;
  #shownPicture: { rtpTimestamp: number } | null = null;
  #lastShown: number | null = null;
  #ended = new AbortController();
  #frameMs = 16;
  #lastTickMs = 0;
  #ticks: { view: Window; id: number } | null = null;
  #callback = 0;

  constructor(private readonly elements: Elements) {
    this.#taker = new PictureTaker(elements.video);
    this.#queue = new HoldQueue<Picture>(
      (rtpTimestamp) => this.#timeline.settled(rtpTimestamp),
      (picture) => this.#taker.giveBack(picture),
    );
    const sizes = new ResizeObserver(() => this.redraw());
    sizes.observe(elements.boxes);
    this.#ended.signal.addEventListener("abort", () => sizes.disconnect());
    this.moved();
  }

  /** To be called when the elements have come into another window: its screen sets the pace. */
  moved(): void {
    this.#ticks?.view.cancelAnimationFrame(this.#ticks.id);
    const tick = () => {
      if (this.#ended.signal.aborted) return;
      const view = this.elements.boxes.ownerDocument.defaultView ?? globalThis.window;
      this.#ticks = { view, id: view.requestAnimationFrame(tick) };
      const now = performance.now();
      const passed = now - this.#lastTickMs;
      if (passed < 100) this.#frameMs += (passed - this.#frameMs) / 16;
      this.#lastTickMs = now;
      this.#show(now);
    };
    tick();
    if (this.#viewing !== null) this.#play(this.#viewing);
  }

  /** Stops for good. */
  close(): void {
    this.attach(null);
    this.#ended.abort();
    this.#ticks?.view.cancelAnimationFrame(this.#ticks.id);
  }

  /** Show this session; null shows nothing. The last picture stays until a new one comes. */
  attach(viewing: Viewing | null): void {
    this.#viewing = viewing;
    this.#queue.clear();
    this.#timeline = new ResultTimeline();
    this.#delays.clear();
    this.elements.video.srcObject = viewing?.video ?? null;
    if (viewing === null) return;
    playAtOnce(viewing.receiver);
    this.#play(viewing);
  }

  /** After a click, where the browser wanted one. */
  play(): void {
    if (this.#viewing !== null) this.#play(this.#viewing);
  }

  /** Of the picture on the screen; null before the first. */
  get shownRtp(): number | null {
    return this.#lastShown;
  }

  /** Forget the last picture. */
  clear(): void {
    this.attach(null);
    this.drawn = null;
    this.seen = null;
    this.#lastShown = null;
    this.#shownPicture = null;
    this.#shown = [];
    this.#presented = [];
    this.#lastResultMs = Number.NEGATIVE_INFINITY;
    this.lastPictureMs = Number.NEGATIVE_INFINITY;
    this.redraw();
  }

  addResult(result: Result): void {
    const now = performance.now();
    this.#lastResultMs = now;
    this.#arrivals.set(result, now);
    this.#timeline.add(result);
    this.#queue.look(now);
  }

  /** After a change of layers or size. */
  redraw(): void {
    const visible = this.drawing && this.#shownPicture !== null;
    this.elements.picture.hidden = this.elements.boxes.hidden = !visible;
    if (this.#shownPicture === null || !visible) return;
    sizeToScreen(this.elements.boxes);
    const { rtpTimestamp } = this.#shownPicture;
    draw(this.elements.boxes, this.#scene(rtpTimestamp), this.layers);
  }

  /** The picture on the screen and all that is drawn over it, in the picture's own size. */
  compose(canvas = document.createElement("canvas")): HTMLCanvasElement | null {
    const { video, picture, boxes } = this.elements;
    const plain = !this.drawing || this.#shownPicture === null;
    const width = plain ? video.videoWidth : picture.width;
    const height = plain ? video.videoHeight : picture.height;
    if (width === 0 || height === 0) return null;
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) return null;
    context.drawImage(plain ? video : picture, 0, 0, width, height);
    if (!plain && this.#shownPicture !== null) {
      const unit = Math.max(width / Math.max(boxes.clientWidth, LEAST_WIDTH_PX), 1);
      const scene = this.#scene(this.#shownPicture.rtpTimestamp);
      paint(context, width, height, unit, scene, this.layers);
    }
    return canvas;
  }

  stats(): PlayerStats {
    const now = performance.now();
    this.#shown = this.#shown.filter(({ atMs }) => now - atMs < WINDOW_MS);
    this.#presented = this.#presented.filter((atMs) => now - atMs < WINDOW_MS);
    const kinds: Record<Kind, number> = { exact: 0, between: 0, ahead: 0, none: 0 };
    for (const { kind } of this.#shown) kinds[kind] += 1 / this.#shown.length;
    const newest = this.#timeline.newest;
    return {
      fps: (this.#presented.length * 1000) / WINDOW_MS,
      analysisMs: newest === undefined ? null : newest.latency_ns / 1e6,
      heldMs: this.drawing && this.#holds(now) ? this.#queue.delayMs : 0,
      kinds,
      dropped: newest?.dropped ?? {},
      delay: this.#delays.read(now),
    };
  }

  #holds(nowMs: number): boolean {
    return this.timing === "exact" && nowMs - this.#lastResultMs < SILENCE_MS;
  }

  #scene(rtpTimestamp: number, picture: Size = sizeOf(this.elements.picture)): Scene {
    const drawing = this.#timeline.drawing(rtpTimestamp);
    const { result } = drawing;
    if (result === null) return drawing;
    const grid = (stage: string) => this.#timeline.told(rtpTimestamp, stage, "grid");
    return {
      ...drawing,
      camera: cameraOf(picture, result.size_px, drawing.viewports, this.camera),
      cameraWords: wordsOf(drawing.viewports, this.cameraWords),
      poses: this.layers.body ? this.#timeline.poses(drawing) : [],
      trails: this.layers.trails ? this.#timeline.trails(rtpTimestamp, drawing) : [],
      regions: this.layers.zones || this.layers.grid ? regionsOf(this.spec, result, grid) : [],
    };
  }

  #play(viewing: Viewing): void {
    const { video } = this.elements;
    video.play().then(
      () => this.onBlocked(false),
      (error: unknown) => {
        // An interruption by the next session is none of the browser's refusals.
        if (error instanceof DOMException && error.name === "NotAllowedError") this.onBlocked(true);
      },
    );
    if (!("requestVideoFrameCallback" in video)) {
      // An old browser: it plays the video, and the boxes need the drawn rendition.
      this.drawing = false;
      this.redraw();
      return;
    }
    video.cancelVideoFrameCallback(this.#callback);
    const next = (_: DOMHighResTimeStamp, metadata: VideoFrameCallbackMetadata) => {
      if (this.#viewing !== viewing) return;
      this.#callback = video.requestVideoFrameCallback(next);
      this.#take(metadata, viewing.receiver);
    };
    this.#callback = video.requestVideoFrameCallback(next);
  }

  #take(metadata: VideoFrameCallbackMetadata, receiver: RTCRtpReceiver): void {
    // Of a track that has ended or pauses, browsers show a black picture of their own.
    if (receiver.track.muted || receiver.track.readyState === "ended") return;
    const now = performance.now();
    this.lastPictureMs = now;
    this.#presented.push(now);
    if (this.#presented.length > 1000) this.#presented.shift();
    if (!this.drawing) {
      this.#see(metadata, receiver, now);
      return;
    }
    const taken = this.#taker.take(metadata, receiver, now);
    if (taken === null) return;
    if (taken.estimated) this.#timeline.toleranceTicks = ESTIMATE_TOLERANCE_TICKS;
    // Without any clock the newest result is the best guess.
    const rtpTimestamp = taken.rtpTimestamp ?? this.#timeline.newest?.rtp_timestamp ?? 0;
    this.#queue.push({ rtpTimestamp, shownMs: now, picture: taken.picture });
  }

  /** A picture that the browser itself shows. */
  #see(metadata: VideoFrameCallbackMetadata, receiver: RTCRtpReceiver, nowMs: number): void {
    const rtpTimestamp = this.#taker.timestampOf(metadata, receiver);
    if (rtpTimestamp === null) return;
    const { videoWidth, videoHeight } = this.elements.video;
    this.seen = this.#scene(rtpTimestamp, [videoWidth, videoHeight]);
    const { kind, result } = this.seen;
    const seenMs = Math.max(metadata.expectedDisplayTime, nowMs);
    if (kind === "exact") this.#measure(result, { ...timesOf(metadata, nowMs), seenMs });
    this.#lastShown = rtpTimestamp;
    this.onShown(rtpTimestamp, result);
  }

  #show(nowMs: number): void {
    const held = this.#queue.take(nowMs, this.#holds(nowMs));
    if (held === null) return;
    const { canvas, times } = held.picture;
    const target = this.elements.picture;
    if (target.width !== canvas.width) target.width = canvas.width;
    if (target.height !== canvas.height) target.height = canvas.height;
    target.getContext("2d", { alpha: false })?.drawImage(canvas, 0, 0);
    this.#taker.giveBack(held.picture);
    this.#shownPicture = { rtpTimestamp: held.rtpTimestamp };
    this.elements.picture.hidden = this.elements.boxes.hidden = !this.drawing;
    sizeToScreen(this.elements.boxes);
    const scene = this.#scene(held.rtpTimestamp);
    draw(this.elements.boxes, scene, this.layers);
    this.#shown.push({ atMs: nowMs, kind: scene.kind });
    if (this.#shown.length > 1000) this.#shown.shift();
    this.seen = scene;
    this.drawn = {
      rtpTimestamp: held.rtpTimestamp,
      drawing: scene,
      heldMs: nowMs - held.shownMs,
    };
    // What is drawn now is on the screen when it is next drawn.
    if (scene.kind === "exact")
      this.#measure(scene.result, { ...times, seenMs: nowMs + this.#frameMs });
    this.#lastShown = held.rtpTimestamp;
    this.onShown(held.rtpTimestamp, scene.result);
  }

  #measure(result: Result | null, times: PictureTimes): void {
    if (result === null) return;
    const arrival = this.#arrivals.get(result) ?? null;
    const delay = glassToGlass(result, times, this.clock(), arrival);
    if (delay !== null) this.#delays.add(performance.now(), delay);
  }
}

function sizeOf({ width, height }: HTMLCanvasElement): Size {
  return [width, height];
}

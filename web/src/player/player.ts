/**
 * Shows one stream: every picture with the boxes of its own frame.
 *
 * Pictures are copied as the browser shows them, held until their results are there (or not,
 * in `live` timing), and drawn together with their boxes in one go of the screen.
 */

import type { Result, Viewing } from "../client";
import { draw, type Layers, sizeToScreen } from "./draw";
import { HoldQueue, LONGEST_MS } from "./hold";
import { ESTIMATE_TOLERANCE_TICKS, type Picture, PictureTaker } from "./pictures";
import { type Drawing, type Kind, ResultTimeline } from "./timeline";

/** `exact`: pictures wait for their boxes. `live`: boxes run ahead by estimate. */
export type Timing = "exact" | "live";

/** Without a result for this long, pictures wait for none. */
const SILENCE_MS = 1000;
const WINDOW_MS = 2000;

export interface Elements {
  video: HTMLVideoElement;
  picture: HTMLCanvasElement;
  boxes: HTMLCanvasElement;
}

/** What was drawn last, for tests and for the curious. */
export interface Drawn {
  rtpTimestamp: number;
  drawing: Drawing;
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
}

export class Player {
  timing: Timing = "exact";
  layers: Layers = { boxes: true, labels: true };
  /** Off for a rendition that the server has drawn on: the plain video is shown. */
  drawing = true;
  drawn: Drawn | null = null;
  lastPictureMs = Number.NEGATIVE_INFINITY;

  #timeline = new ResultTimeline();
  #taker: PictureTaker;
  #queue: HoldQueue<Picture>;
  #lastResultMs = Number.NEGATIVE_INFINITY;
  #shown: { atMs: number; kind: Kind }[] = [];
  #presented: number[] = [];
  #viewing: Viewing | null = null;
  #shownPicture: { rtpTimestamp: number } | null = null;

  constructor(private readonly elements: Elements) {
    this.#taker = new PictureTaker(elements.video);
    this.#queue = new HoldQueue<Picture>(
      (rtpTimestamp) => this.#timeline.settled(rtpTimestamp),
      (picture) => this.#taker.giveBack(picture),
    );
    const tick = () => {
      this.#show(performance.now());
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    new ResizeObserver(() => this.redraw()).observe(elements.boxes);
  }

  /** Show this session; null shows nothing. The last picture stays until a new one comes. */
  attach(viewing: Viewing | null): void {
    this.#viewing = viewing;
    this.#queue.clear();
    this.#timeline = new ResultTimeline();
    this.elements.video.srcObject = viewing?.video ?? null;
    if (viewing === null) return;
    // Refused only where autoplay of silent video is: then the browser's own controls help.
    this.elements.video.play().catch(() => {
      this.elements.video.controls = true;
    });
    this.#follow(viewing);
  }

  /** Forget the last picture. */
  clear(): void {
    this.attach(null);
    this.drawn = null;
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
    this.#timeline.add(result);
    this.#queue.look(now);
  }

  /** After a change of layers or size. */
  redraw(): void {
    const visible = this.drawing && this.#shownPicture !== null;
    this.elements.picture.hidden = this.elements.boxes.hidden = !visible;
    sizeToScreen(this.elements.boxes);
    if (this.#shownPicture === null || !visible) return;
    draw(this.elements.boxes, this.#timeline.drawing(this.#shownPicture.rtpTimestamp), this.layers);
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
      heldMs: this.#holds(now) ? this.#queue.delayMs : 0,
      kinds,
      dropped: newest?.dropped ?? {},
    };
  }

  #holds(nowMs: number): boolean {
    return this.timing === "exact" && nowMs - this.#lastResultMs < SILENCE_MS;
  }

  #follow(viewing: Viewing): void {
    const { video } = this.elements;
    if (!("requestVideoFrameCallback" in video)) {
      // An old browser: it plays the video, and the boxes need the drawn rendition.
      this.drawing = false;
      this.redraw();
      return;
    }
    const next = (_: DOMHighResTimeStamp, metadata: VideoFrameCallbackMetadata) => {
      if (this.#viewing !== viewing) return;
      video.requestVideoFrameCallback(next);
      this.#take(metadata, viewing.receiver);
    };
    video.requestVideoFrameCallback(next);
  }

  #take(metadata: VideoFrameCallbackMetadata, receiver: RTCRtpReceiver): void {
    // Of a track that has ended or pauses, browsers show a black picture of their own.
    if (receiver.track.muted || receiver.track.readyState === "ended") return;
    const now = performance.now();
    this.lastPictureMs = now;
    this.#presented.push(now);
    if (!this.drawing) return;
    const taken = this.#taker.take(metadata, receiver);
    if (taken === null) return;
    if (taken.estimated) this.#timeline.toleranceTicks = ESTIMATE_TOLERANCE_TICKS;
    // Without any clock the newest result is the best guess.
    const rtpTimestamp = taken.rtpTimestamp ?? this.#timeline.newest?.rtp_timestamp ?? 0;
    this.#queue.push({ rtpTimestamp, shownMs: now, picture: taken.picture });
  }

  #show(nowMs: number): void {
    const held = this.#queue.take(nowMs, this.#holds(nowMs));
    if (held === null) return;
    const { canvas } = held.picture;
    const target = this.elements.picture;
    if (target.width !== canvas.width) target.width = canvas.width;
    if (target.height !== canvas.height) target.height = canvas.height;
    target.getContext("2d", { alpha: false })?.drawImage(canvas, 0, 0);
    this.#taker.giveBack(held.picture);
    this.#shownPicture = { rtpTimestamp: held.rtpTimestamp };
    this.elements.picture.hidden = this.elements.boxes.hidden = !this.drawing;
    sizeToScreen(this.elements.boxes);
    const drawing = this.#timeline.drawing(held.rtpTimestamp);
    draw(this.elements.boxes, drawing, this.layers);
    this.#shown.push({ atMs: nowMs, kind: drawing.kind });
    if (this.#shown.length > 1000) this.#shown.shift();
    this.drawn = {
      rtpTimestamp: held.rtpTimestamp,
      drawing,
      heldMs: Math.min(nowMs - held.shownMs, LONGEST_MS),
    };
  }
}

/** What plays one recording: the video, its results, and what its controls do. */

import { fault } from "../../app/faults";
import { api } from "../../app/server";
import { ApiError, pause, type Recording, readRecording, recordingUrls } from "../../client";
import type { Layers } from "../../player/layers";
import { Playback, type PlaybackElements } from "../../player/playback";
import { RecordedResults } from "../../player/recorded";
import { cameraWords } from "../../player-ui/camera-words";
import { Pieces } from "./pieces";

export const SPEEDS = [0.25, 0.5, 1, 2, 4] as const;
const H264 = 'video/mp4; codecs="avc1.64001f"';
const GROWS_EVERY_MS = 1500;
/** How long a play waits for its first results. */
const LONGEST_WAIT_MS = 1500;
/** Shorter than any picture. */
const NEAR_END_S = 0.05;

export class Deck {
  recording = $state.raw<Recording | null>(null);
  timeS = $state(0);
  playing = $state(false);
  speed = $state(1);
  /** "gone", "codec", or what else hinders it in words. */
  trouble = $state("");
  /** As long as what is loaded. */
  durationS = $state(0);

  readonly #id: string;
  #video: HTMLVideoElement | null = null;
  #playback: Playback | null = null;
  #pieces: Pieces | null = null;
  #loaded = -1;
  #reading = new AbortController();

  constructor(id: string) {
    this.#id = id;
    void this.#follow(this.#reading.signal);
  }

  get playback(): Playback | null {
    return this.#playback;
  }

  attach(elements: PlaybackElements): () => void {
    this.#video = elements.video;
    if (this.#video.canPlayType(H264) === "") this.trouble = "codec";
    this.#playback = new Playback(elements, (timeS) => this.#shown(timeS));
    this.#playback.cameraWords = cameraWords;
    this.#prepare();
    return () => this.close();
  }

  close(): void {
    this.#reading.abort();
    this.#pieces?.close();
    this.#playback?.close();
    this.#video?.pause();
  }

  set layers(layers: Layers) {
    if (this.#playback === null) return;
    this.#playback.layers = layers;
    this.#playback.redraw();
  }

  toggle(): void {
    if (this.playing) this.#video?.pause();
    else void this.play();
  }

  async play(): Promise<void> {
    const video = this.#video;
    if (video === null) return;
    if (video.currentTime >= this.durationS - NEAR_END_S) {
      // At the end: what has come since, or from the beginning.
      if (this.recording?.state === "recording") this.#loadMore();
      else video.currentTime = 0;
    }
    // Pictures without what was found in them are not what anybody has come for.
    const here = this.#pieces?.here(video.currentTime);
    if (here !== undefined)
      await Promise.race([here, pause(LONGEST_WAIT_MS, this.#reading.signal)]);
    try {
      await video.play();
    } catch {
      // Another command came before it played; the video's events tell how it stands.
    }
  }

  seek(timeS: number): void {
    if (this.#video === null) return;
    const to = Math.max(0, Math.min(timeS, this.durationS - NEAR_END_S / 2));
    this.timeS = to;
    this.#video.currentTime = to;
  }

  /** One picture on or back: to the middle of the time that it is shown. */
  step(pictures: 1 | -1): void {
    this.#video?.pause();
    const interval = 1 / Math.max(1, this.recording?.fps ?? 30);
    const result = this.#playback?.result;
    const now = result && this.recording ? this.#secondsOf(result.pts_ns) : this.timeS;
    this.seek(now + (pictures + 0.5) * interval);
  }

  setSpeed(speed: number): void {
    this.speed = speed;
    if (this.#video !== null) this.#video.playbackRate = speed;
  }

  /** For `<video>`. */
  readonly events = {
    onplay: () => {
      this.playing = true;
    },
    onpause: () => {
      this.playing = false;
    },
    onended: () => {
      this.playing = false;
      if (this.recording?.state === "recording") void this.#goOn();
    },
    ondurationchange: () => {
      const duration = this.#video?.duration ?? 0;
      if (Number.isFinite(duration)) this.durationS = duration;
    },
    onerror: () => {
      const code = this.#video?.error?.code;
      if (this.trouble === "") this.trouble = code === 4 || code === 3 ? "codec" : "broken";
    },
  };

  #secondsOf(ptsNs: number): number {
    return (ptsNs - (this.recording?.first_pts_ns ?? 0)) / 1e9;
  }

  #shown(timeS: number): void {
    this.timeS = timeS;
    if (this.recording !== null) this.#pieces?.need(timeS, this.recording);
  }

  /** Once both the recording and the elements are known. */
  #prepare(): void {
    const { recording } = this;
    const playback = this.#playback;
    if (recording === null || playback === null) return;
    if (this.#pieces === null && recording.frames > 0) {
      const results = new RecordedResults(recording.first_pts_ns, {
        stages: recording.flux,
      });
      playback.results = results;
      playback.drawing = !recording.drawn;
      this.#pieces = new Pieces(api, this.#id, results, () => playback.redraw());
    }
    this.#pieces?.need(this.timeS, recording);
    if (this.#loaded < 0) this.#load();
  }

  /** Gives the video what there is. */
  #load(): void {
    const { recording } = this;
    if (recording === null || this.#video === null || this.trouble === "codec") return;
    const going = recording.state === "recording";
    if (going && recording.playable_bytes === 0) return; // nothing yet
    const to = going ? recording.playable_bytes : 0;
    if (to === this.#loaded) return;
    this.#loaded = to;
    this.#video.src = recordingUrls.video(api, this.#id, to);
    this.#video.playbackRate = this.speed;
  }

  #loadMore(): void {
    const at = this.timeS;
    this.#load();
    if (this.#video !== null) this.#video.currentTime = at;
  }

  /** At the end of what was there: wait for more, and play it. */
  async #goOn(): Promise<void> {
    const before = this.#loaded;
    while (!this.#reading.signal.aborted && this.recording?.state === "recording") {
      if (this.recording.playable_bytes > before) break;
      await pause(GROWS_EVERY_MS / 3, this.#reading.signal);
    }
    if (this.#reading.signal.aborted || this.playing) return;
    this.#loadMore();
    await this.play();
  }

  /** Reads what is known of the recording, again and again while it goes on. */
  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.recording = await readRecording(api, this.#id, signal);
        if (this.trouble !== "codec") this.trouble = "";
        this.#prepare();
        if (this.recording.state === "ended") return;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.status === 404) {
          this.trouble = "gone";
          return;
        }
        if (this.recording === null) this.trouble = fault(error);
      }
      await pause(GROWS_EVERY_MS, signal);
    }
  }
}

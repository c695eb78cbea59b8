/** The button that sends the visitor's own camera. */

import { type Api, ApiError, type Publication, publish } from "../client";
import { cameraFault, cameraHindrance, serverFault } from "./words";

const WANTED: MediaStreamConstraints = {
  audio: false,
  video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
};

export interface CameraEvents {
  onStart(stream: string): void;
  onStop(stream: string): void;
  onFault(words: string): void;
  onUnauthorized(): void;
}

export class Camera {
  #publication: Publication | null = null;
  #media: MediaStream | null = null;
  #turn: AbortController | null = null;

  constructor(
    private readonly api: Api,
    private readonly button: HTMLButtonElement,
    private readonly events: CameraEvents,
  ) {
    button.addEventListener("click", () => {
      if (this.#turn === null) void this.start();
      else this.stop();
    });
    this.#label();
  }

  async start(): Promise<void> {
    const hindrance = cameraHindrance();
    if (hindrance !== null) return this.events.onFault(hindrance);
    const turn = new AbortController();
    this.#turn = turn;
    this.#label();
    try {
      const media = await openCamera();
      this.#media = media;
      if (turn.signal.aborted) return this.#release();
      const stream = `cam-${crypto.randomUUID().slice(0, 8)}`;
      this.#publication = await publish(this.api, stream, media, {
        onLost: () => {
          this.stop();
          this.events.onFault("The camera is no longer being sent: the connection was lost.");
        },
        signal: turn.signal,
      });
      this.#label();
      this.events.onStart(stream);
    } catch (error) {
      if (!turn.signal.aborted) this.#refused(error);
    } finally {
      if (this.#publication === null && this.#turn === turn) this.stop();
    }
  }

  stop(): void {
    const publication = this.#publication;
    this.#turn?.abort();
    this.#turn = null;
    this.#publication = null;
    publication?.close();
    this.#release();
    this.#label();
    if (publication !== null) this.events.onStop(publication.stream);
  }

  #refused(error: unknown): void {
    if (error instanceof CameraRefused) this.events.onFault(error.message);
    else if (error instanceof ApiError && error.status === 401) this.events.onUnauthorized();
    else this.events.onFault(serverFault(error).replace(/ Trying again.*$/, " Try again later."));
  }

  #release(): void {
    for (const track of this.#media?.getTracks() ?? []) track.stop();
    this.#media = null;
  }

  #label(): void {
    const state =
      this.#publication !== null ? "sending" : this.#turn !== null ? "starting" : "idle";
    this.button.dataset.state = state;
    const words = {
      idle: "Use my camera",
      starting: "Starting… (stop)",
      sending: "Stop my camera",
    };
    this.button.textContent = words[state];
  }
}

class CameraRefused extends Error {}

async function openCamera(): Promise<MediaStream> {
  try {
    const media = await navigator.mediaDevices.getUserMedia(WANTED);
    for (const track of media.getVideoTracks()) track.contentHint = "motion";
    return media;
  } catch (error) {
    throw new CameraRefused(cameraFault(error));
  }
}

/** Keeps the chosen stream on the screen: connects, and connects again. */

import { type Api, ApiError, pause, pauseMs, type Result, type Viewing, watch } from "../client";
import type { Player } from "../player/player";
import { serverFault } from "./words";

export interface Choice {
  stream: string;
  rendition: string;
}

export class Watching {
  #choice: Choice | null = null;
  #turn = new AbortController();
  #wake: () => void = () => {};
  #viewing: Viewing | null = null;
  #sinceMs = 0;

  /** `onStatus` gets words to show over the picture, or null when it plays. */
  constructor(
    private readonly api: Api,
    private readonly player: Player,
    private readonly onStatus: (words: string | null) => void,
    private readonly onUnauthorized: () => void,
  ) {}

  get choice(): Choice | null {
    return this.#choice;
  }

  choose(choice: Choice | null): void {
    const same = choice?.stream === this.#choice?.stream;
    this.#turn.abort();
    this.#choice = choice;
    if (!same) this.player.clear();
    if (choice === null) {
      this.onStatus(null);
      return;
    }
    this.#turn = new AbortController();
    void this.#keep(choice, this.#turn.signal);
  }

  /** The server is back, say: try again now rather than after the pause. */
  retry(): void {
    this.#wake();
  }

  /** Ask anew for a stream that should run but has shown nothing for this long. */
  checkStall(limitMs: number): void {
    const now = performance.now();
    const last = Math.max(this.player.lastPictureMs, this.#sinceMs);
    if (this.#viewing !== null && now - last > limitMs) this.#lose();
  }

  #lose(): void {
    this.#viewing?.close();
    this.#viewing = null;
    this.#wake();
  }

  async #keep(choice: Choice, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      if (failures === 0) this.onStatus("Connecting…");
      const turn = new AbortController();
      const over = new Promise<void>((resolve) => {
        this.#wake = () => {
          turn.abort();
          resolve();
        };
        signal.addEventListener("abort", this.#wake);
      });
      try {
        await this.#play(choice, signal);
        failures = 0;
        await over;
        if (!signal.aborted) this.onStatus("Connection lost. Trying again…");
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof ApiError && error.status === 401) this.onUnauthorized();
        this.onStatus(serverFault(error));
      }
      failures += 1;
      // Woken once for the loss; the pause may be cut short by another wake.
      const rest = new AbortController();
      this.#wake = () => rest.abort();
      signal.addEventListener("abort", this.#wake);
      await pause(pauseMs(failures, Math.random()), rest.signal);
    }
  }

  async #play(choice: Choice, signal: AbortSignal): Promise<void> {
    const viewing = await watch(this.api, choice.stream, {
      rendition: choice.rendition,
      onMessage: (message) => {
        if (message.type === "result" && message.stream === choice.stream) this.#result(message);
      },
      onLost: () => this.#lose(),
      signal,
    });
    if (signal.aborted) return;
    this.#viewing = viewing;
    this.#sinceMs = performance.now();
    this.player.attach(viewing);
    this.onStatus(null);
  }

  #result(result: Result): void {
    this.player.addResult(result);
  }
}

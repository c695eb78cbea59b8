/** Keeps one stream on the screen: connects, and connects again. */

import { type Api, pause, pauseMs, type Result, type Viewing, watch } from "../client";
import type { Player } from "./player";
import { type Hindrance, hindranceOf } from "./status";

export interface Choice {
  stream: string;
  rendition: string;
}

export interface WatchingEvents {
  /** What hinders the connection; null when it stands. */
  onHindrance(hindrance: Hindrance | null): void;
  onViewing(viewing: Viewing | null): void;
}

export class Watching {
  #choice: Choice | null = null;
  #turn = new AbortController();
  #wake: () => void = () => {};
  #viewing: Viewing | null = null;
  #sinceMs = 0;

  constructor(
    private readonly api: Api,
    private readonly player: Player,
    private readonly events: WatchingEvents,
  ) {}

  choose(choice: Choice | null): void {
    const same = choice?.stream === this.#choice?.stream;
    this.#turn.abort();
    this.#setViewing(null);
    this.#choice = choice;
    if (!same) this.player.clear();
    if (choice === null) {
      this.player.attach(null);
      this.events.onHindrance(null);
      return;
    }
    this.#turn = new AbortController();
    void this.#keep(choice, this.#turn.signal);
  }

  /** The server is back, say: try again now rather than after the pause. */
  retry(): void {
    if (this.#viewing === null) this.#wake();
  }

  /** Ask anew for a stream that should run but has shown nothing for this long. */
  checkStall(limitMs: number): void {
    const last = Math.max(this.player.lastPictureMs, this.#sinceMs);
    if (this.#viewing !== null && performance.now() - last > limitMs) this.#lose();
  }

  #setViewing(viewing: Viewing | null): void {
    if (viewing === this.#viewing) return;
    this.#viewing = viewing;
    this.events.onViewing(viewing);
  }

  #lose(): void {
    this.#viewing?.close();
    this.#setViewing(null);
    this.#wake();
  }

  async #keep(choice: Choice, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      if (failures === 0) this.events.onHindrance({ kind: "connecting", detail: "" });
      let over = () => {};
      const ended = new Promise<void>((resolve) => {
        over = resolve;
      });
      this.#wake = over;
      signal.addEventListener("abort", over, { once: true });
      try {
        await this.#play(choice, signal);
        failures = 0;
        await ended;
        if (!signal.aborted) this.events.onHindrance({ kind: "lost", detail: "" });
      } catch (error) {
        if (signal.aborted) break;
        this.events.onHindrance(hindranceOf(error));
      }
      failures += 1;
      const rest = new AbortController();
      this.#wake = () => rest.abort();
      await pause(pauseMs(failures, Math.random()), AbortSignal.any([rest.signal, signal]));
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
    this.#sinceMs = performance.now();
    this.player.attach(viewing);
    this.#setViewing(viewing);
    this.events.onHindrance(null);
  }

  #result(result: Result): void {
    this.player.addResult(result);
  }
}

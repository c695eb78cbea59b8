/** Keeps asking the server what there is. */

import {
  type Api,
  ApiError,
  type Message,
  pause,
  pauseMs,
  readMessages,
  type StreamInfo,
} from "../client";

const PERIOD_MS = 1000;

export interface OverviewEvents {
  onStreams(streams: StreamInfo[]): void;
  onMessage(message: Message): void;
  /** The server did not answer, or refused. */
  onFault(error: unknown): void;
  /** It answers again after a fault. */
  onBack(): void;
}

export class Overview {
  #wake = new AbortController();

  constructor(
    private readonly api: Api,
    private readonly events: OverviewEvents,
  ) {
    void this.#poll();
    void this.#follow();
  }

  /** Ask now. */
  refresh(): void {
    this.#wake.abort();
  }

  async #poll(): Promise<void> {
    for (let failures = 0; ; ) {
      this.#wake = new AbortController();
      try {
        const streams = await this.api.streams();
        if (failures > 0) this.events.onBack();
        failures = 0;
        this.events.onStreams(streams);
      } catch (error) {
        failures += 1;
        this.events.onFault(error);
      }
      const wait = failures > 0 ? pauseMs(failures, Math.random()) : PERIOD_MS;
      await pause(wait, this.#wake.signal);
    }
  }

  async #follow(): Promise<void> {
    const forever = new AbortController().signal;
    for (let failures = 0; ; ) {
      try {
        await readMessages(
          this.api,
          "api/events",
          (message) => {
            failures = 0;
            this.events.onMessage(message);
            if (message.type === "state") this.refresh();
          },
          forever,
        );
      } catch (error) {
        // An old or small server has no events; the list lives without.
        if (error instanceof ApiError && error.status === 404) return;
      }
      failures += 1;
      await pause(pauseMs(failures, Math.random()), forever);
    }
  }
}

/** Asks the server what time it is there, now and then, for all players of the page. */

import type { Api } from "../client";
import { pause } from "../client";
import { type Offset, ServerClock } from "./clock";

const QUICK = 6;
const QUICK_PAUSE_MS = 120;
const PERIOD_MS = 20_000;

const known = new WeakMap<Api, ServerTime>();

export class ServerTime {
  #clock = new ServerClock();
  #users = 0;
  #run: AbortController | null = null;

  private constructor(private readonly api: Api) {}

  /** The one of this server. */
  static of(api: Api): ServerTime {
    const time = known.get(api) ?? new ServerTime(api);
    known.set(api, time);
    return time;
  }

  /** null while it is not known. */
  now(): Offset | null {
    return this.#clock.at(performance.now());
  }

  /** Keep asking, until what is returned is called. */
  use(): () => void {
    this.#users += 1;
    if (this.#run === null) {
      this.#run = new AbortController();
      void this.#ask(this.#run.signal);
    }
    let used = true;
    return () => {
      if (used) this.#users -= 1;
      used = false;
      if (this.#users > 0) return;
      this.#run?.abort();
      this.#run = null;
    };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (let i = 0; i < QUICK && !signal.aborted; i++) {
        await this.#exchange(signal);
        await pause(QUICK_PAUSE_MS, signal);
      }
      await pause(PERIOD_MS, signal);
    }
  }

  async #exchange(signal: AbortSignal): Promise<void> {
    try {
      const sentMs = performance.now();
      const response = await this.api.request("api/time", { signal });
      // The headers are there: the body may come in a packet of its own.
      const answeredMs = performance.now();
      const body: unknown = await response.json();
      if (typeof body !== "object" || body === null || !("unix_ns" in body)) return;
      if (typeof body.unix_ns === "number") {
        this.#clock.observe(sentMs, answeredMs, body.unix_ns);
      }
    } catch {
      // Without an answer the delay is told without the server's clock.
    }
  }
}

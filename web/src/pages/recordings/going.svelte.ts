/** What is being recorded now; asked for while somebody wants to know. */

import { api } from "../../app/server";
import { ApiError, listRecordings, pause, type Recording } from "../../client";

const PERIOD_MS = 2000;

class Going {
  #list = $state.raw<readonly Recording[]>([]);
  /** The server does not record. */
  #off = $state(false);
  #users = 0;
  #run: AbortController | null = null;
  #wake = new AbortController();

  get off(): boolean {
    return this.#off;
  }

  of(stream: string, drawn = false): Recording | undefined {
    return this.#list.find((each) => each.stream === stream && each.drawn === drawn);
  }

  refresh(): void {
    this.#wake.abort();
  }

  /** Keep up to date until the returned function is called. */
  follow(): () => void {
    this.#users += 1;
    if (this.#run === null) {
      this.#run = new AbortController();
      void this.#poll(this.#run.signal);
    }
    return () => {
      this.#users -= 1;
      if (this.#users > 0) return;
      this.#run?.abort();
      this.#run = null;
    };
  }

  async #poll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      try {
        const list = await listRecordings(api, { state: "recording", limit: 500 }, signal);
        this.#list = list.recordings;
        this.#off = false;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && (error.status === 403 || error.status === 404)) {
          this.#off = true;
        }
      }
      const wait = this.#off ? PERIOD_MS * 15 : PERIOD_MS;
      await pause(wait, AbortSignal.any([this.#wake.signal, signal]));
    }
  }
}

export const going = new Going();

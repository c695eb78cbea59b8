/** The streams there are, kept up to date. */

import {
  ApiError,
  type Message,
  type Problem,
  pause,
  pauseMs,
  readMessages,
  type StreamInfo,
} from "../client";
import { fault } from "./faults";
import { notices } from "./notices.svelte";
import { api } from "./server";
import { session } from "./session.svelte";

const PERIOD_MS = 1000;

class Streams {
  #list = $state.raw<readonly StreamInfo[]>([]);
  #server = $state<"wait" | "up" | "down">("wait");
  #problems = $state.raw<ReadonlyMap<string, Problem>>(new Map());
  #wake = new AbortController();
  #run: AbortController | null = null;
  #listeners = new Set<(message: Message) => void>();

  get list(): readonly StreamInfo[] {
    return this.#list;
  }

  /** Whether the server answers. */
  get server(): "wait" | "up" | "down" {
    return this.#server;
  }

  get(id: string): StreamInfo | undefined {
    return this.#list.find((each) => each.id === id);
  }

  /** The newest problem of a stream since the page was opened. */
  problem(id: string): Problem | undefined {
    return this.#problems.get(id);
  }

  /** States and problems of all streams, as they come. Returns how to stop. */
  listen(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ask now, after a change say. */
  refresh(): void {
    this.#wake.abort();
  }

  /** Begin to ask, once somebody has signed in. */
  start(): void {
    if (this.#run !== null) return;
    this.#run = new AbortController();
    void this.#poll(this.#run.signal);
    void this.#follow(this.#run.signal);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#list = [];
  }

  async #poll(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      this.#wake = new AbortController();
      try {
        const list = await api.streams(signal);
        failures = 0;
        this.#list = list;
        this.#server = "up";
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        if (error instanceof ApiError && error.status === 401) session.lose();
        if (!(error instanceof ApiError)) this.#server = "down";
        else if (error.status === 503) notices.tell("bad", fault(error));
      }
      const wait = failures > 0 ? pauseMs(failures, Math.random()) : PERIOD_MS;
      await pause(wait, AbortSignal.any([this.#wake.signal, signal]));
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await readMessages(
          api,
          "api/events",
          (message) => {
            failures = 0;
            this.#take(message);
          },
          signal,
        );
      } catch {
        // What hinders it hinders the list too, which tells.
      }
      failures += 1;
      await pause(pauseMs(failures, Math.random()), signal);
    }
  }

  #take(message: Message): void {
    if (message.type === "problem") {
      this.#problems = new Map(this.#problems).set(message.stream, message);
    } else if (message.type === "state") {
      this.refresh();
    }
    for (const listener of this.#listeners) listener(message);
  }
}

export const streams = new Streams();

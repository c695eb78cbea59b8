/** A source that is being written, and what the server says of it. */

import { fault } from "../../app/faults";
import { api } from "../../app/server";
import { checkSource, type SourceCheck } from "../../client";

const PAUSE_MS = 300;
/** What is still only the beginning of an address, as `rts` or `https:/`. */
const BEGUN = /^[a-z0-9+]{0,8}(:\/?\/?)?$/i;

export type Phase = "idle" | "checking" | "trying" | "done";

/** Asks when the writing pauses; the last question's answer counts. */
export class Checking {
  phase = $state<Phase>("idle");
  /** The answer to what is written now; null while there is none. */
  answer = $state.raw<SourceCheck | null>(null);
  /** Why there is no answer. */
  failure = $state("");
  #asking = new AbortController();

  /** The source is another one now. */
  write(source: string): void {
    this.#asking.abort();
    this.answer = null;
    this.failure = "";
    const text = source.trim();
    if (BEGUN.test(text)) {
      this.phase = "idle";
      return;
    }
    this.phase = "checking";
    void this.#ask(text, PAUSE_MS);
  }

  /** Have the server open it. */
  async try(source: string): Promise<void> {
    this.#asking.abort();
    this.failure = "";
    this.phase = "trying";
    await this.#ask(source.trim(), 0, true);
  }

  stop(): void {
    this.#asking.abort();
  }

  async #ask(source: string, pauseMs: number, probe = false): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (asking.signal.aborted) return;
    try {
      const answer = await checkSource(api, source, { probe, signal: asking.signal });
      if (!asking.signal.aborted) this.answer = answer;
    } catch (error) {
      if (!asking.signal.aborted) this.failure = fault(error);
    }
    if (!asking.signal.aborted) this.phase = "done";
  }
}

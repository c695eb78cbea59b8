/** Fetches the results of a recording in pieces, those around the picture that is shown. */

import { type Api, type Recording, readRecordedResults } from "../../client";
import type { RecordedResults } from "../../player/recorded";

const PIECE_S = 8;
/** Pieces on each side that are kept. */
const AROUND = 3;

export class Pieces {
  /** Pieces that are here or on their way, and up to when each was known. */
  #until = new Map<number, number>();
  #ended = new AbortController();
  #failedAt = Number.NEGATIVE_INFINITY;
  #loading = new Map<number, Promise<void>>();

  /** `onChange` is called when results have come. */
  constructor(
    private readonly api: Api,
    private readonly id: string,
    private readonly results: RecordedResults,
    private readonly onChange: () => void,
  ) {}

  /** Makes sure of what is needed at this moment of the video, and soon after. */
  need(timeS: number, recording: Recording): void {
    const piece = Math.floor(timeS / PIECE_S);
    for (const each of [piece, piece + 1]) {
      const endS = Math.min((each + 1) * PIECE_S, recording.duration_s + 1);
      if (each * PIECE_S > recording.duration_s) continue;
      const known = this.#until.get(each);
      // The piece that is being written is asked for again when it has grown.
      if (known !== undefined && (known >= (each + 1) * PIECE_S || known >= endS - 0.2)) continue;
      if (performance.now() - this.#failedAt < 2000) continue;
      this.#until.set(each, recording.state === "ended" ? Number.POSITIVE_INFINITY : endS);
      const loading = this.#load(each).finally(() => this.#loading.delete(each));
      this.#loading.set(each, loading);
    }
  }

  /** Resolves when the results of this moment are here, or cannot be had. */
  async here(timeS: number): Promise<void> {
    await this.#loading.get(Math.floor(timeS / PIECE_S));
  }

  close(): void {
    this.#ended.abort();
  }

  async #load(piece: number): Promise<void> {
    const fromS = piece * PIECE_S;
    try {
      const found = await readRecordedResults(
        this.api,
        this.id,
        fromS,
        fromS + PIECE_S,
        this.#ended.signal,
      );
      this.results.put(fromS, fromS + PIECE_S, found);
      this.#forget(piece);
      this.onChange();
    } catch {
      this.#until.delete(piece);
      this.#failedAt = performance.now();
    }
  }

  #forget(piece: number): void {
    const first = piece - AROUND;
    const last = piece + AROUND;
    this.results.keep(first * PIECE_S, (last + 1) * PIECE_S);
    for (const each of this.#until.keys()) {
      if (each < first || each > last) this.#until.delete(each);
    }
  }
}

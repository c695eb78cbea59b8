/** What the dashboard shows, fetched again and again while it is open. */

import { api } from "../../app/server";
import { session } from "../../app/session.svelte";
import { ApiError, pause } from "../../client";
import {
  Figures,
  type History,
  type LogEntry,
  type SessionFigures,
  type Stats,
} from "../../client/figures";
import { continued } from "./merge";

const EVERY_MS = 2000;
const NEWEST_STEPS = 5;
const LOG_SHOWN = 300;
/** Points of a chart: of all streams fewer, since there is a line for each. */
const POINTS = { one: 600, all: 300 };

export const RANGES_S = [300, 900, 3600] as const;
export type RangeS = (typeof RANGES_S)[number];

export const figures = new Figures(api);

export class Readings {
  /** Of `stream`, or of all with null. */
  history = $state.raw<History | null>(null);
  stats = $state.raw<Stats | null>(null);
  /** null where the server does not tell this person. */
  sessions = $state.raw<readonly SessionFigures[] | null>([]);
  log = $state.raw<readonly LogEntry[]>([]);
  /** What hinders; null while all is well. */
  fault = $state.raw<unknown>(null);
  /** The stream is not known to the server, now or in the last hour. */
  unknown = $state(false);
  #revision = 0;
  #entries = new Map<number, LogEntry>();
  #wake = new AbortController();

  /** Fetches until `signal` aborts; `live()` false pauses. */
  async follow(
    stream: string | null,
    rangeS: RangeS,
    live: () => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    this.history = null;
    this.unknown = false;
    for (let first = true; !signal.aborted; first = false) {
      if (first || (live() && document.visibilityState === "visible")) {
        await this.#turn(stream, rangeS, signal);
      }
      this.#wake = new AbortController();
      await pause(EVERY_MS, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  /** Something happened: look now. */
  wake(): void {
    this.#wake.abort();
  }

  async #turn(stream: string | null, rangeS: RangeS, signal: AbortSignal): Promise<void> {
    const parts = [
      this.#history(stream, rangeS, signal),
      figures.stats(signal).then((stats) => {
        this.stats = stats;
      }),
      this.#sessions(signal),
      this.#log(signal),
    ];
    const outcomes = await Promise.allSettled(parts);
    if (signal.aborted) return;
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    this.fault = failed === undefined ? null : failed.reason;
    if (this.fault instanceof ApiError && this.fault.status === 401) session.lose();
  }

  async #history(stream: string | null, rangeS: RangeS, signal: AbortSignal): Promise<void> {
    const most = stream === null ? POINTS.all : POINTS.one;
    const asked = { stream: stream ?? undefined };
    try {
      const before = this.history;
      if (before !== null && before.unix_s.length > 0) {
        const sinceS = NEWEST_STEPS * before.step_s;
        const update = await figures.history({ ...asked, sinceS, points: NEWEST_STEPS }, signal);
        const joined = continued(before, update, rangeS);
        if (joined !== null) {
          if (!signal.aborted) this.history = joined;
          return;
        }
      }
      const whole = await figures.history({ ...asked, sinceS: rangeS, points: most }, signal);
      if (signal.aborted) return;
      this.history = whole;
      this.unknown = false;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      this.unknown = true;
    }
  }

  async #sessions(signal: AbortSignal): Promise<void> {
    const sessions = session.may("control") ? await figures.sessions(undefined, signal) : null;
    if (!signal.aborted) this.sessions = sessions;
  }

  async #log(signal: AbortSignal): Promise<void> {
    const { revision, entries } = await figures.log(this.#revision, LOG_SHOWN, signal);
    if (revision < this.#revision) {
      // Another server, or the same one started anew: it counts from zero.
      this.#revision = 0;
      this.#entries.clear();
      this.log = [];
      return;
    }
    this.#revision = revision;
    if (entries.length === 0) return;
    for (const entry of entries) this.#entries.set(entry.number, entry);
    const newest = [...this.#entries.values()].sort((a, b) => b.last_unix_ns - a.last_unix_ns);
    for (const { number } of newest.slice(LOG_SHOWN)) this.#entries.delete(number);
    this.log = newest.slice(0, LOG_SHOWN);
  }
}

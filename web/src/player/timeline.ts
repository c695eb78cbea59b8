/** The results of one stream by the RTP timestamp of their frame: which belongs to a picture? */

import type { DetectedObject, LandmarkSet, Mask, Result, Viewport } from "../client";
import { landmarksAt, objectsAt } from "./motion";
import { type Pose, posesOf } from "./poses";
import { RTP_HZ, ticksBetween } from "./rtp";
import { type Trail, trailsOf } from "./trails";
import { viewportsAt } from "./viewport";

/** About 4 s at 30 fps: far more than a picture ever waits. */
const CAPACITY = 128;
/** Boxes older than this say nothing about the present picture. */
const STALE_TICKS = 0.7 * RTP_HZ;
/** Tracks are moved ahead no further than this; they may have turned since. */
const AHEAD_TICKS = 0.3 * RTP_HZ;
/** A jump back further than any reordering: the stream has begun anew. */
const RESTART_TICKS = 2 * RTP_HZ;

/**
 * - `exact`: the result of this very frame.
 * - `between`: this frame was not analysed, but frames before and after it were.
 * - `ahead`: no result as new as this frame has come yet; boxes are an estimate.
 * - `none`: nothing is known that is near enough.
 */
export type Kind = "exact" | "between" | "ahead" | "none";

/** What to draw on a picture. `result` is the one that it is made from, the nearest before. */
export interface Drawing {
  kind: Kind;
  objects: readonly DetectedObject[];
  landmarks: readonly LandmarkSet[];
  /** That of the frame, or of the nearer one of the two around it. */
  mask: Mask | null;
  /** What virtual cameras show, by the names of their stages. */
  viewports: Readonly<Record<string, Viewport>>;
  result: Result | null;
}

export const NOTHING: Drawing = {
  kind: "none",
  objects: [],
  landmarks: [],
  mask: null,
  viewports: {},
  result: null,
};

export class ResultTimeline {
  /** Ascending by RTP timestamp. */
  #results: Result[] = [];

  /** `toleranceTicks`: how far a result may lie from a picture and still be its own. */
  constructor(public toleranceTicks = 0) {}

  get newest(): Result | undefined {
    return this.#results.at(-1);
  }

  clear(): void {
    this.#results = [];
  }

  add(result: Result): void {
    const newest = this.newest;
    if (
      newest !== undefined &&
      ticksBetween(newest.rtp_timestamp, result.rtp_timestamp) > RESTART_TICKS
    ) {
      this.clear();
    }
    const place = this.#firstAfter(result.rtp_timestamp);
    const same = this.#results[place - 1];
    if (same?.rtp_timestamp === result.rtp_timestamp) this.#results[place - 1] = result;
    else this.#results.splice(place, 0, result);
    if (this.#results.length > CAPACITY) this.#results.shift();
  }

  /** Whether all that will ever be known about this frame is known now. */
  settled(rtpTimestamp: number): boolean {
    const newest = this.newest;
    if (
      newest === undefined ||
      ticksBetween(newest.rtp_timestamp, rtpTimestamp) < -this.toleranceTicks
    ) {
      return false;
    }
    const place = this.#firstAfter(rtpTimestamp);
    const own = this.#own(rtpTimestamp, this.#results[place - 1], this.#results[place]);
    const looks = own === undefined ? null : this.#looks(own);
    return looks === null || looks.after !== undefined;
  }

  drawing(rtpTimestamp: number): Drawing {
    const place = this.#firstAfter(rtpTimestamp);
    const before = this.#results[place - 1];
    const after = this.#results[place];
    const own = this.#own(rtpTimestamp, before, after);
    if (own !== undefined) {
      const landmarks = this.#points(own);
      const mask = own.mask ?? null;
      const viewports = own.viewports ?? {};
      return { kind: "exact", objects: own.objects, landmarks, mask, viewports, result: own };
    }
    if (before === undefined) return NOTHING;
    const age = ticksBetween(rtpTimestamp, before.rtp_timestamp);
    if (age > STALE_TICKS) return NOTHING;
    if (after !== undefined) {
      const t = age / ticksBetween(after.rtp_timestamp, before.rtp_timestamp);
      return {
        kind: "between",
        objects: objectsAt(before.objects, after.objects, t),
        landmarks: landmarksAt(before.landmarks ?? [], after.landmarks ?? [], t),
        mask: (t < 0.5 ? before : after).mask ?? null,
        viewports: viewportsAt(before.viewports ?? {}, after.viewports ?? {}, t),
        result: before,
      };
    }
    return {
      kind: "ahead",
      objects: this.#ahead(this.#results[place - 2], before, age),
      // A face or a hand does not go on as it went: points ahead of time would lie beside it.
      landmarks: [],
      mask: null,
      viewports: before.viewports ?? {},
      result: before,
    };
  }

  /** Where the objects of a drawing have been before that frame. */
  trails(rtpTimestamp: number, { objects }: Drawing): Trail[] {
    return trailsOf(this.#results.slice(0, this.#firstAfter(rtpTimestamp)), objects, rtpTimestamp);
  }

  /** Skeletons that came with the objects of a drawing. */
  poses({ objects, result, kind }: Drawing): Pose[] {
    if (result === null) return [];
    return posesOf(objects, result, kind === "exact", (trackerId, ptsNs) => {
      const then = this.#results.findLast((each) => each.pts_ns === ptsNs);
      return then?.objects.find(({ tracker_id: id }) => id === trackerId)?.box ?? null;
    });
  }

  /** What a stage told last, up to that frame, under a key of its `extra`. */
  told(rtpTimestamp: number, stage: string, key: string): unknown {
    for (let i = this.#firstAfter(rtpTimestamp) - 1; i >= 0; i--) {
      const extra: unknown = this.#results[i]?.extra?.[stage];
      if (typeof extra === "object" && extra !== null && key in extra) {
        return new Map<string, unknown>(Object.entries(extra)).get(key);
      }
    }
    return undefined;
  }

  /** Of a frame that was left out, from between the looks before and after it. */
  #points(own: Result): readonly LandmarkSet[] {
    const looks = this.#looks(own);
    if (looks?.after === undefined) return own.landmarks ?? [];
    const { before, after } = looks;
    const span = ticksBetween(after.rtp_timestamp, before.rtp_timestamp);
    const t = ticksBetween(own.rtp_timestamp, before.rtp_timestamp) / span;
    return landmarksAt(before.landmarks ?? [], after.landmarks ?? [], t);
  }

  /** The looks before and after a frame that was left out, if there were points in the first. */
  #looks(own: Result): { before: Result; after: Result | undefined } | null {
    if (!isLeftOut(own)) return null;
    const place = this.#results.indexOf(own);
    const looked = (each: Result) => !isLeftOut(each);
    const before = this.#results.slice(0, place).findLast(looked);
    if (before === undefined || (before.landmarks ?? []).length === 0) return null;
    if (ticksBetween(own.rtp_timestamp, before.rtp_timestamp) > STALE_TICKS) return null;
    return { before, after: this.#results.slice(place + 1).find(looked) };
  }

  #own(rtpTimestamp: number, ...near: (Result | undefined)[]): Result | undefined {
    let best: Result | undefined;
    let least = this.toleranceTicks;
    for (const result of near) {
      if (result === undefined) continue;
      const distance = Math.abs(ticksBetween(result.rtp_timestamp, rtpTimestamp));
      if (distance > least) continue;
      least = distance;
      best = result;
    }
    return best;
  }

  #ahead(earlier: Result | undefined, last: Result, age: number): readonly DetectedObject[] {
    if (earlier === undefined) return last.objects;
    const span = ticksBetween(last.rtp_timestamp, earlier.rtp_timestamp);
    if (span > STALE_TICKS) return last.objects;
    return objectsAt(earlier.objects, last.objects, 1 + Math.min(age, AHEAD_TICKS) / span);
  }

  /** Index of the first result after this time. */
  #firstAfter(rtpTimestamp: number): number {
    let low = 0;
    let high = this.#results.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const result = this.#results[middle];
      if (result !== undefined && ticksBetween(result.rtp_timestamp, rtpTimestamp) <= 0)
        low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether a stage did not look at it, and no other found points. */
function isLeftOut({ undetected = [], landmarks = [] }: Result): boolean {
  return undetected.length > 0 && landmarks.length === 0;
}

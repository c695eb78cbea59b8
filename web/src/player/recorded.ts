/** The results of a recording by the time of its video: which belong to a picture? Pure. */

import type { Result, StreamSpec } from "../client";
import type { Scene } from "./draw";
import { landmarksAt, objectsAt } from "./motion";
import { posesOf } from "./poses";
import { regionsOf } from "./regions";
import { RTP_HZ } from "./rtp";
import { NOTHING } from "./timeline";
import { TRAIL_TICKS, trailsOf } from "./trails";
import { viewportsAt } from "./viewport";

/** Boxes further away than this say nothing about a picture. */
const STALE_TICKS = 0.7 * RTP_HZ;
/** Times of pictures are told in whole microseconds. */
const TOLERANCE_TICKS = 2;

interface Placed {
  ticks: number;
  result: Result;
}

export class RecordedResults {
  /** Ascending by time. */
  #placed: Placed[] = [];

  /** `firstPtsNs`: of the video's first picture; `spec`: what the stream was, for its lines. */
  constructor(
    private readonly firstPtsNs: number,
    private readonly spec: StreamSpec = {},
  ) {}

  /** Ticks of the video's clock at which the picture of a result is shown. */
  ticksOf(result: Result): number {
    return Math.round(((result.pts_ns - this.firstPtsNs) * RTP_HZ) / 1e9);
  }

  /** Results of a piece of the video, in order; what was known of that piece is forgotten. */
  put(fromS: number, toS: number, results: readonly Result[]): void {
    const fresh = results.map((result) => ({ ticks: this.ticksOf(result), result }));
    const first = this.#firstAfter(fromS * RTP_HZ - 1);
    const last = this.#firstAfter(toS * RTP_HZ - 1);
    this.#placed.splice(first, last - first, ...fresh);
  }

  /** Forgets what lies outside, to save memory. */
  keep(fromS: number, toS: number): void {
    this.#placed = this.#placed.filter(
      ({ ticks }) => ticks >= fromS * RTP_HZ && ticks < toS * RTP_HZ,
    );
  }

  /**
   * What to draw on the picture that is shown at this time.
   *
   * Some browsers do not tell when a picture begins, only a time while it is shown: it is the
   * picture of the last result before, unless frames without results lie between.
   */
  scene(timeS: number): Scene {
    const ticks = timeS * RTP_HZ;
    const place = this.#firstAfter(ticks + TOLERANCE_TICKS);
    const before = this.#placed[place - 1];
    const after = this.#placed[place];
    if (before === undefined) return NOTHING;
    if (isOwn(before, after, ticks)) {
      const { result } = before;
      const landmarks = result.landmarks ?? [];
      const mask = result.mask ?? null;
      const viewports = result.viewports ?? {};
      return this.#complete(
        { kind: "exact", objects: result.objects, landmarks, mask, viewports, result },
        before.ticks,
      );
    }
    if (after === undefined || after.ticks - before.ticks > STALE_TICKS) return NOTHING;
    const t = (ticks - before.ticks) / (after.ticks - before.ticks);
    const near = t < 0.5 ? before.result : after.result;
    const scene: Scene = {
      kind: "between",
      objects: objectsAt(before.result.objects, after.result.objects, t),
      landmarks: landmarksAt(before.result.landmarks ?? [], after.result.landmarks ?? [], t),
      mask: near.mask ?? null,
      viewports: viewportsAt(before.result.viewports ?? {}, after.result.viewports ?? {}, t),
      result: before.result,
    };
    return this.#complete(scene, ticks);
  }

  /** With what is of more than one frame: trails, poses, lines and zones. */
  #complete(scene: Scene, ticks: number): Scene {
    const earlier = this.#placed
      .slice(this.#firstAfter(ticks - TRAIL_TICKS), this.#firstAfter(ticks))
      .map(({ result }) => result);
    // By the clock of the results, in which trails count.
    const now = Math.round(ticks + (this.firstPtsNs * RTP_HZ) / 1e9) | 0;
    const trails = trailsOf(earlier, scene.objects, now);
    const { result } = scene;
    if (result === null) return { ...scene, trails };
    const poses = posesOf(scene.objects, result, scene.kind === "exact", (trackerId, ptsNs) => {
      const then = this.#placed.findLast((each) => each.result.pts_ns === ptsNs)?.result;
      return then?.objects.find(({ tracker_id: id }) => id === trackerId)?.box ?? null;
    });
    const regions = regionsOf(this.spec, result, (stage) => this.#grid(stage, ticks));
    return { ...scene, trails, poses, regions };
  }

  /** What a stage told last of its grid, up to then. */
  #grid(stage: string, ticks: number): unknown {
    for (let i = this.#firstAfter(ticks + TOLERANCE_TICKS) - 1; i >= 0; i--) {
      const told: unknown = this.#placed[i]?.result.extra?.[stage];
      if (typeof told === "object" && told !== null && "grid" in told) return told.grid;
    }
    return undefined;
  }

  /** Index of the first result after this time. */
  #firstAfter(ticks: number): number {
    let low = 0;
    let high = this.#placed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#placed[middle]?.ticks ?? 0) <= ticks) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isOwn(before: Placed, after: Placed | undefined, ticks: number): boolean {
  const age = ticks - before.ticks;
  if (age <= TOLERANCE_TICKS) return true;
  if (after === undefined) return age < RTP_HZ / 60;
  // As many frames without a result lie between, at even distances for all we know.
  const frames = Math.max(1, after.result.seq - before.result.seq);
  return age < (after.ticks - before.ticks) / frames - TOLERANCE_TICKS;
}

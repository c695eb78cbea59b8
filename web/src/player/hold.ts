/**
 * Holds pictures back for as long as their results take, so that both are shown together.
 *
 * Pure: pictures are any values, times are given in milliseconds.
 */

/** Most pictures held; as long as any is, at 60 fps. */
export const CAPACITY = 25;
/** A camera that looks ahead makes results late on purpose; for so long that is waited out. */
export const MOST_AHEAD_MS = 1000;
/** Pictures held for each millisecond of it: at 40 fps. */
const AHEAD_PICTURES = 0.04;
/** A picture is shown without its result after this long… */
export const LONGEST_MS = 150;
/** …or this, where most results take longer than that; and at once where most take even longer. */
export const LONGEST_SLOW_MS = 400;
/** How long a slow result keeps later pictures waiting as long, for an even pace. */
const MEMORY_MS = 1500;
/** A picture this late at the screen is skipped when a newer one is due. */
const LATE_MS = 50;

export interface Held<T> {
  rtpTimestamp: number;
  shownMs: number;
  picture: T;
}

interface Waiting<T> extends Held<T> {
  settled: boolean;
}

export class HoldQueue<T> {
  #waiting: Waiting<T>[] = [];
  #aheadMs = 0;
  #waits: { atMs: number; waitMs: number }[] = [];
  /** Shown without their results: what these would have taken tells how long to wait. */
  #missed: { rtpTimestamp: number; shownMs: number }[] = [];

  /** `discard` gives back what `push` took, of pictures that are never shown. */
  constructor(
    private readonly settled: (rtpTimestamp: number) => boolean,
    private readonly discard: (picture: T) => void,
  ) {}

  get length(): number {
    return this.#waiting.length;
  }

  /** By how much all results are late on purpose. */
  set aheadMs(aheadMs: number) {
    this.#aheadMs = Math.min(aheadMs, MOST_AHEAD_MS);
  }

  /** How long pictures are held at present. */
  get delayMs(): number {
    const slowest = this.#waits.reduce((longest, { waitMs }) => Math.max(longest, waitMs), 0);
    return Math.min(slowest, this.longestMs);
  }

  /** How long a picture waits that has no result yet. */
  get longestMs(): number {
    const waits = this.#waits.map(({ waitMs }) => waitMs).sort((a, b) => a - b);
    const typical = (waits[waits.length >> 1] ?? 0) - this.#aheadMs;
    if (typical > LONGEST_SLOW_MS) return 0;
    return this.#aheadMs + (typical > LONGEST_MS ? LONGEST_SLOW_MS : LONGEST_MS);
  }

  push(held: Held<T>): void {
    this.#waiting.push({ ...held, settled: false });
    const most = CAPACITY + this.#aheadMs * AHEAD_PICTURES;
    while (this.#waiting.length > most) this.#skip();
  }

  clear(): void {
    while (this.#waiting.length > 0) this.#skip();
    this.#waits = [];
    this.#missed = [];
  }

  /** To be called when a result came, so that the wait is measured to that moment. */
  look(nowMs: number): void {
    for (const held of this.#waiting) {
      if (held.settled || !this.settled(held.rtpTimestamp)) continue;
      held.settled = true;
      this.#waits.push({ atMs: nowMs, waitMs: nowMs - held.shownMs });
    }
    this.#missed = this.#missed.filter(({ rtpTimestamp, shownMs }) => {
      if (!this.settled(rtpTimestamp)) return nowMs - shownMs < MEMORY_MS;
      this.#waits.push({ atMs: nowMs, waitMs: nowMs - shownMs });
      return false;
    });
    const remembered = this.#waits.findIndex(({ atMs }) => nowMs - atMs < MEMORY_MS);
    this.#waits.splice(0, remembered < 0 ? this.#waits.length : remembered);
  }

  /** The picture to show now, if one is due. With `hold` false it is the newest, at once. */
  take(nowMs: number, hold: boolean): Held<T> | null {
    this.look(nowMs);
    if (!hold) while (this.#waiting.length > 1) this.#skip();
    const [first] = this.#waiting;
    if (first === undefined || (hold && nowMs < this.#dueMs(first))) return null;
    while (this.#late(nowMs)) this.#skip();
    const due = this.#waiting.shift() ?? null;
    if (due !== null && !due.settled) {
      this.#missed.push({ rtpTimestamp: due.rtpTimestamp, shownMs: due.shownMs });
    }
    return due;
  }

  #late(nowMs: number): boolean {
    const [first, second] = this.#waiting;
    if (first === undefined || second === undefined) return false;
    return nowMs >= this.#dueMs(second) && nowMs - this.#dueMs(first) > LATE_MS;
  }

  #dueMs(held: Waiting<T>): number {
    return held.shownMs + (held.settled ? this.delayMs : this.longestMs);
  }

  #skip(): void {
    const skipped = this.#waiting.shift();
    if (skipped !== undefined) this.discard(skipped.picture);
  }
}

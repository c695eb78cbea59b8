import { describe, expect, it } from "vitest";
import {
  CAPACITY,
  HoldQueue,
  LONGEST_MS,
  LONGEST_SLOW_MS,
  MOST_AHEAD_MS,
} from "../../src/player/hold";

function setUp() {
  const settled = new Set<number>();
  const discarded: number[] = [];
  const queue = new HoldQueue<number>(
    (rtp) => settled.has(rtp),
    (picture) => discarded.push(picture),
  );
  const push = (n: number, shownMs: number) => queue.push({ rtpTimestamp: n, shownMs, picture: n });
  return { settled, discarded, queue, push };
}

describe("HoldQueue", () => {
  it("holds a picture until its result is there", () => {
    const { queue, settled, push } = setUp();
    push(1, 0);
    expect(queue.take(40, true)).toBeNull();
    settled.add(1);
    expect(queue.take(50, true)?.picture).toBe(1);
    expect(queue.take(60, true)).toBeNull();
  });

  it("shows a picture without its result after the longest wait", () => {
    const { queue, push } = setUp();
    push(1, 0);
    expect(queue.take(LONGEST_MS - 1, true)).toBeNull();
    expect(queue.take(LONGEST_MS, true)?.picture).toBe(1);
  });

  it("keeps an even pace: a quick result waits as long as a slow one did", () => {
    const { queue, settled, push } = setUp();
    push(1, 0);
    settled.add(1);
    expect(queue.take(80, true)?.picture).toBe(1);
    push(2, 100);
    settled.add(2);
    expect(queue.delayMs).toBe(80);
    expect(queue.take(120, true)).toBeNull();
    expect(queue.take(180, true)?.picture).toBe(2);
  });

  it("forgets a slow result after a while", () => {
    const { queue, settled, push } = setUp();
    push(1, 0);
    settled.add(1);
    queue.take(80, true);
    push(2, 3000);
    settled.add(2);
    expect(queue.take(3005, true)?.picture).toBe(2);
  });

  it("keeps order, and skips what is too late when a newer picture is due", () => {
    const { queue, settled, discarded, push } = setUp();
    for (const n of [0, 1, 2, 3]) {
      push(n, n * 33);
      settled.add(n);
    }
    expect(queue.take(133, true)?.picture).toBe(0);
    expect(queue.take(170, true)?.picture).toBe(1);
    expect(queue.take(400, true)?.picture).toBe(3);
    expect(discarded).toEqual([2]);
  });

  it("shows the newest at once when nothing is to be held", () => {
    const { queue, discarded, push } = setUp();
    push(1, 0);
    push(2, 10);
    expect(queue.take(11, false)?.picture).toBe(2);
    expect(discarded).toEqual([1]);
  });

  it("is bounded, and gives back what it drops", () => {
    const { queue, discarded, push } = setUp();
    for (let n = 0; n < CAPACITY + 5; n++) push(n, n);
    expect(queue.length).toBe(CAPACITY);
    expect(discarded).toEqual([0, 1, 2, 3, 4]);
    queue.clear();
    expect(discarded.length).toBe(CAPACITY + 5);
  });

  it("waits longer where most results take longer, and not in vain", () => {
    const play = (resultMs: number) => {
      const { queue, settled, push } = setUp();
      const withResult: boolean[] = [];
      for (let now = 0; now < 3000; now += 10) {
        if (now % 50 === 0) push(now, now);
        if (now >= resultMs && (now - resultMs) % 50 === 0) settled.add(now - resultMs);
        queue.look(now);
        const shown = queue.take(now, true);
        if (shown !== null) withResult.push(settled.has(shown.picture));
      }
      return { queue, late: withResult.slice(-20) };
    };
    const slow = play(250);
    expect(slow.late.every((each) => each)).toBe(true);
    expect(slow.queue.delayMs).toBe(250);
    const hopeless = play(700);
    expect(hopeless.queue.delayMs).toBe(0);
    expect(hopeless.late.some((each) => each)).toBe(false);
    expect(play(60).queue.delayMs).toBe(60);
  });

  it("waits longer where a camera looks ahead, and holds more pictures for that", () => {
    const { queue, push, discarded } = setUp();
    queue.aheadMs = 500;
    push(1, 0);
    expect(queue.take(LONGEST_MS + 499, true)).toBeNull();
    expect(queue.take(LONGEST_MS + 500, true)?.picture).toBe(1);
    for (let n = 0; n < CAPACITY + 20; n++) push(n, 1000);
    expect(discarded).toEqual([]);
    queue.aheadMs = 60_000;
    expect(queue.longestMs).toBeLessThanOrEqual(MOST_AHEAD_MS + LONGEST_SLOW_MS);
  });
});

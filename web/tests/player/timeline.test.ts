import { describe, expect, it } from "vitest";
import type { LandmarkSet } from "../../src/client";
import { ResultTimeline } from "../../src/player/timeline";
import { result, thing } from "../results";

const FRAME = 3000;

describe("ResultTimeline", () => {
  it("gives a picture the result of its own frame, not the newest", () => {
    const timeline = new ResultTimeline();
    const own = result(FRAME, thing(1, [0, 0, 10, 10]));
    timeline.add(own);
    timeline.add(result(2 * FRAME, thing(1, [10, 0, 20, 10])));
    const drawing = timeline.drawing(FRAME);
    expect(drawing.kind).toBe("exact");
    expect(drawing.result).toBe(own);
    expect(drawing.objects[0]?.box).toEqual([0, 0, 10, 10]);
  });

  it("does not take a neighbour for the frame's own", () => {
    const timeline = new ResultTimeline();
    timeline.add(result(FRAME));
    expect(timeline.drawing(FRAME + 1).kind).toBe("ahead");
    expect(timeline.drawing(FRAME - 1).kind).toBe("none");
  });

  it("accepts a neighbour within the tolerance of an estimated time", () => {
    const timeline = new ResultTimeline(900);
    timeline.add(result(FRAME));
    timeline.add(result(2 * FRAME));
    expect(timeline.drawing(2 * FRAME - 800).kind).toBe("exact");
    expect(timeline.drawing(2 * FRAME - 800).result?.rtp_timestamp).toBe(2 * FRAME);
    expect(timeline.drawing(2 * FRAME - 1000).kind).toBe("between");
  });

  it("takes the points of a frame that was left out from between two looks, when both are there", () => {
    const body = (x: number): LandmarkSet => ({
      part: "body",
      person: 0,
      score: 1,
      points: [[x, 5, 0]],
    });
    const left = { ...result(FRAME, thing(1, [0, 0, 10, 10])), undetected: ["landmarks"] };
    const timeline = new ResultTimeline();
    timeline.add({ ...result(0), landmarks: [body(0)] });
    timeline.add(left);
    expect(timeline.settled(FRAME)).toBe(false);
    expect(timeline.drawing(FRAME).landmarks).toEqual([]);
    timeline.add({ ...result(4 * FRAME), landmarks: [body(40)] });
    expect(timeline.settled(FRAME)).toBe(true);
    const drawing = timeline.drawing(FRAME);
    expect(drawing.kind).toBe("exact");
    expect(drawing.result).toBe(left);
    expect(drawing.landmarks[0]?.points[0]?.[0]).toBeCloseTo(10, 6);
  });

  it("waits for no look where none has found points", () => {
    const timeline = new ResultTimeline();
    timeline.add(result(0, thing(1, [0, 0, 10, 10])));
    timeline.add({ ...result(FRAME, thing(1, [1, 0, 11, 10])), undetected: ["detect"] });
    expect(timeline.settled(FRAME)).toBe(true);
  });

  it("places tracks between two analysed frames", () => {
    const timeline = new ResultTimeline();
    timeline.add(result(0, thing(1, [0, 0, 10, 10]), thing(2, [50, 50, 60, 60])));
    timeline.add(result(4 * FRAME, thing(1, [40, 0, 50, 10])));
    const drawing = timeline.drawing(FRAME);
    expect(drawing.kind).toBe("between");
    expect(drawing.objects.map(({ box }) => box[0])).toEqual([10, 50]);
    expect(timeline.drawing(3 * FRAME).objects.map(({ box }) => box[0])).toEqual([30]);
  });

  it("moves tracks ahead by their speed, and not for ever", () => {
    const timeline = new ResultTimeline();
    timeline.add(result(0, thing(1, [0, 0, 10, 10])));
    timeline.add(result(FRAME, thing(1, [10, 0, 20, 10])));
    expect(timeline.drawing(2 * FRAME)).toMatchObject({ kind: "ahead" });
    expect(timeline.drawing(2 * FRAME).objects[0]?.box[0]).toBeCloseTo(20);
    const capped = timeline.drawing(FRAME + 50_000).objects[0]?.box[0];
    expect(capped).toBeCloseTo(10 + (10 * 27_000) / FRAME);
    expect(timeline.drawing(FRAME + 90_000).kind).toBe("none");
  });

  it("matches across the wrap of the RTP clock", () => {
    const timeline = new ResultTimeline();
    timeline.add(result(0xffffffff - 1000));
    timeline.add(result(1999, thing(1, [1, 2, 3, 4])));
    expect(timeline.newest?.rtp_timestamp).toBe(1999);
    expect(timeline.drawing(1999).kind).toBe("exact");
    expect(timeline.drawing(500).kind).toBe("between");
    expect(timeline.settled(0xffffffff)).toBe(true);
    expect(timeline.settled(2000)).toBe(false);
  });

  it("puts results that overtook each other in order", () => {
    const timeline = new ResultTimeline();
    for (const n of [3, 1, 2]) timeline.add(result(n * FRAME));
    for (const n of [1, 2, 3]) expect(timeline.drawing(n * FRAME).kind).toBe("exact");
    expect(timeline.newest?.rtp_timestamp).toBe(3 * FRAME);
  });

  it("begins anew when the stream does, and forgets the oldest", () => {
    const timeline = new ResultTimeline();
    for (let n = 100; n < 400; n++) timeline.add(result(n * FRAME));
    expect(timeline.drawing(100 * FRAME).kind).toBe("none");
    timeline.add(result(FRAME));
    expect(timeline.newest?.rtp_timestamp).toBe(FRAME);
    expect(timeline.settled(2 * FRAME)).toBe(false);
  });
});

import { expect, it } from "vitest";
import { RtpFromMediaTime, ticksBetween } from "../../src/player/rtp";

it("counts ticks across the wrap", () => {
  expect(ticksBetween(5, 0xfffffffb)).toBe(10);
  expect(ticksBetween(0xfffffffb, 5)).toBe(-10);
});

it("learns the origin of the RTP clock though some observations are a frame off", () => {
  const clock = new RtpFromMediaTime();
  expect(clock.estimate(1)).toBeNull();
  const origin = 0xfffff000;
  for (let n = 0; n < 40; n++) {
    const late = n % 4 === 0 ? 3000 : 0;
    clock.observe(n / 30, (origin + n * 3000 + late) >>> 0);
  }
  expect(clock.estimate(50 / 30)).toBe((origin + 150_000) >>> 0);
});

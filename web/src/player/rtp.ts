/** RTP time: 32 bits of a 90 kHz clock that wraps every 13 hours. */

export const RTP_HZ = 90_000;

/** a - b in ticks, right across the wrap. */
export function ticksBetween(a: number, b: number): number {
  return (a - b) | 0;
}

/**
 * RTP timestamps for pictures of a browser that does not tell them.
 *
 * It tells the media time of a picture exactly, and (`getSynchronizationSources`) the RTP
 * timestamp of about that picture: their difference is constant, so its median is exact.
 */
export class RtpFromMediaTime {
  #offsets: number[] = [];

  observe(mediaTimeS: number, rtpTimestamp: number): void {
    this.#offsets.push(ticksBetween(rtpTimestamp, Math.round(mediaTimeS * RTP_HZ) >>> 0));
    if (this.#offsets.length > 61) this.#offsets.shift();
  }

  /** null before anything was observed. */
  estimate(mediaTimeS: number): number | null {
    const sorted = this.#offsets.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1];
    return median === undefined ? null : (Math.round(mediaTimeS * RTP_HZ) + median) >>> 0;
  }
}

/**
 * The server's wall clock, told by this page's steady clock (`performance.now`).
 *
 * Neither of the two wall clocks needs to be right, and this page's is not asked at all.
 */

/** unix ms at the server = `performance.now()` + `offsetMs`, give or take `uncertaintyMs`. */
export interface Offset {
  offsetMs: number;
  uncertaintyMs: number;
}

interface Exchange extends Offset {
  atMs: number;
}

/** Two clocks drift apart by less than this, of crystals that are far from good. */
const DRIFT = 100e-6;
const MEMORY = 24;

export class ServerClock {
  #exchanges: Exchange[] = [];

  /** A question sent and answered at these times here, with the server's time in the answer. */
  observe(sentMs: number, answeredMs: number, serverUnixNs: number): void {
    const halfWay = (answeredMs - sentMs) / 2;
    if (!(halfWay >= 0) || !Number.isFinite(serverUnixNs)) return;
    const found: Exchange = {
      atMs: answeredMs,
      offsetMs: serverUnixNs / 1e6 - (sentMs + halfWay),
      uncertaintyMs: halfWay,
    };
    // What contradicts this one is of before a clock was set, or a computer slept.
    this.#exchanges = this.#exchanges
      .filter((each) => agree(aged(each, answeredMs), found))
      .slice(1 - MEMORY);
    this.#exchanges.push(found);
  }

  /** The best that is known; null before anything is. */
  at(nowMs: number): Offset | null {
    let best: Offset | null = null;
    for (const each of this.#exchanges) {
      const now = aged(each, nowMs);
      if (best === null || now.uncertaintyMs < best.uncertaintyMs) best = now;
    }
    return best;
  }
}

function aged({ atMs, offsetMs, uncertaintyMs }: Exchange, nowMs: number): Offset {
  return { offsetMs, uncertaintyMs: uncertaintyMs + Math.max(0, nowMs - atMs) * DRIFT };
}

function agree(a: Offset, b: Offset): boolean {
  return Math.abs(a.offsetMs - b.offsetMs) <= a.uncertaintyMs + b.uncertaintyMs + 1;
}

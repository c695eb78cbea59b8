/** When to try again: at once the first time, then ever later. */

export interface Backoff {
  firstMs: number;
  mostMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 300, mostMs: 5000 };

/**
 * The pause after the `failures`-th failure in a row (from 1).
 * `chance` in [0, 1) spreads clients that lost the same server at the same moment.
 */
export function pauseMs(failures: number, chance: number, backoff = DEFAULT_BACKOFF): number {
  const doubled = backoff.firstMs * 2 ** Math.min(failures - 1, 16);
  return Math.min(doubled, backoff.mostMs) * (0.75 + chance / 2);
}

/** Waits, and no longer than until `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

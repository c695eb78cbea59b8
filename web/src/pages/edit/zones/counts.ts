/** What the `flux` stage has counted, out of a result. */

import type { Result } from "../../../client";

export interface LineCount {
  readonly in: number;
  readonly out: number;
}
export interface ZoneCount {
  readonly now: number;
  readonly total: number;
  readonly meanS: number | null;
}
export interface Counts {
  readonly lines: ReadonlyMap<string, LineCount>;
  readonly zones: ReadonlyMap<string, ZoneCount>;
}

interface Told {
  lines?: readonly { name: string; in: Record<string, number>; out: Record<string, number> }[];
  zones?: readonly {
    name: string;
    now: Record<string, number>;
    total: Record<string, number>;
    dwell_s?: { mean?: number | null };
  }[];
}

export function countsOf(result: Result | null, stage: string): Counts {
  const told = (result?.extra?.[stage] ?? {}) as Told;
  return {
    lines: new Map(
      (told.lines ?? []).map((each) => [each.name, { in: sum(each.in), out: sum(each.out) }]),
    ),
    zones: new Map(
      (told.zones ?? []).map((each) => [
        each.name,
        { now: sum(each.now), total: sum(each.total), meanS: each.dwell_s?.mean ?? null },
      ]),
    ),
  };
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

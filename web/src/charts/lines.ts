/** What a chart shows, and what can be said about it in words. Pure. */

export type Values = readonly (number | null)[];

export interface Line {
  name: string;
  values: Values;
}

/** How many colours there are; lines beyond are dashed. */
export const COLOURS = 8;

export function dashOf(index: number): number[] | undefined {
  const turn = Math.floor(index / COLOURS);
  return turn === 0 ? undefined : turn === 1 ? [5, 4] : [2, 3];
}

/** Each line on top of those before; where only some are known the others count as 0. */
export function stacked(lines: readonly Line[], length: number): (number | null)[][] {
  const sums: (number | null)[] = new Array(length).fill(null);
  return lines.map(({ values }) => {
    for (let at = 0; at < length; at++) {
      const value = values[at] ?? null;
      if (value !== null) sums[at] = (sums[at] ?? 0) + value;
    }
    return [...sums];
  });
}

export interface Summary {
  now: number | null;
  least: number | null;
  most: number | null;
}

export function summaryOf(values: Values): Summary {
  let least: number | null = null;
  let most: number | null = null;
  for (const value of values) {
    if (value === null) continue;
    if (least === null || value < least) least = value;
    if (most === null || value > most) most = value;
  }
  return { now: values.at(-1) ?? null, least, most };
}

/** Sum of several columns; null where none is known. */
export function total(columns: readonly Values[], length: number): (number | null)[] {
  const sums: (number | null)[] = new Array(length).fill(null);
  for (const column of columns) {
    for (let at = 0; at < length; at++) {
      const value = column[at] ?? null;
      if (value !== null) sums[at] = (sums[at] ?? 0) + value;
    }
  }
  return sums;
}

/** Whether anything was ever more than 0. */
export function happened(values: Values): boolean {
  return values.some((value) => value !== null && value > 0);
}

/** Joining what has been fetched with what is new. Pure. */

import type { History, Points } from "../../client/figures";

/** Half a step: times of the same point differ by rounding alone. */
const SAME = 0.5;

/**
 * The history with its newest points replaced by, and continued with, those of `update`; no more
 * than `spanS` of it. Null when they do not meet: then all has to be fetched again.
 */
export function continued(history: History, update: History, spanS: number): History | null {
  const [first] = update.unix_s;
  const last = history.unix_s.at(-1);
  if (update.step_s !== history.step_s) return null;
  if (first === undefined || last === undefined) return update.unix_s.length > 0 ? update : null;
  if (first > last + (1 + SAME) * history.step_s) return null;
  const end = update.unix_s.at(-1) ?? first;
  const oldest = end - spanS + SAME * history.step_s;
  const from = indexFrom(history.unix_s, oldest);
  const kept = indexFrom(history.unix_s, first - SAME * history.step_s);
  const join = new Joined(from, Math.max(kept, from), update.unix_s.length);
  return {
    ...update,
    unix_s: [...history.unix_s.slice(from, Math.max(kept, from)), ...update.unix_s],
    server: {
      ...join.all(history.server, update.server),
      gpus: update.server.gpus.map((gpu) => ({
        ...gpu,
        ...join.all(
          history.server.gpus.find(({ index }) => index === gpu.index),
          gpu,
        ),
      })),
    },
    streams: update.streams.map((stream) => {
      const before = history.streams.find(({ id }) => id === stream.id);
      return {
        ...join.all(before, stream),
        stages: stream.stages.map((stage) =>
          join.all(
            before?.stages.find(({ name }) => name === stage.name),
            stage,
          ),
        ),
      };
    }),
  };
}

function indexFrom(times: readonly number[], least: number): number {
  const found = times.findIndex((time) => time >= least);
  return found < 0 ? times.length : found;
}

/** Joins columns: so much of the old one, then the new one. */
class Joined {
  constructor(
    private readonly from: number,
    private readonly to: number,
    private readonly added: number,
  ) {}

  column(before: Points | undefined, after: Points | undefined): Points {
    const old = before?.slice(this.from, this.to) ?? new Array(this.to - this.from).fill(null);
    return [...old, ...(after ?? new Array(this.added).fill(null))];
  }

  /** Every column of an object, also those in objects of columns; the rest is that of `after`. */
  all<Kind extends object>(before: Kind | undefined, after: Kind): Kind {
    const joined = { ...after } as Record<string, unknown>;
    const earlier = (before ?? {}) as Record<string, unknown>;
    for (const [key, value] of Object.entries(after)) {
      const was = earlier[key];
      if (isColumn(value)) joined[key] = this.column(isColumn(was) ? was : undefined, value);
      else if (isColumns(value)) joined[key] = this.#named(isColumns(was) ? was : {}, value);
    }
    return joined as Kind;
  }

  #named(before: Record<string, Points>, after: Record<string, Points>): Record<string, Points> {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return Object.fromEntries(
      [...names].map((name) => [name, this.column(before[name], after[name])]),
    );
  }
}

function isColumn(value: unknown): value is Points {
  return Array.isArray(value) && value.every((each) => each === null || typeof each === "number");
}

function isColumns(value: unknown): value is Record<string, Points> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(isColumn)
  );
}

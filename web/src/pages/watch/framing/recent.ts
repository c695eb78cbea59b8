/** Who is in the picture, or was a moment ago: a list that does not flicker. */

import type { DetectedObject } from "../../../client";

/** Who has gone stays in the list for so long. */
const STAYS_MS = 3000;
const MOST = 40;

export interface Somebody {
  readonly id: number;
  readonly name: string;
  readonly here: boolean;
}

export class Recent {
  #seen = new Map<number, { name: string; atMs: number }>();

  /** With these in the picture now; by number. */
  with(objects: readonly DetectedObject[], nowMs: number): Somebody[] {
    for (const { tracker_id: id, class_name: name } of objects) {
      if (typeof id === "number") this.#seen.set(id, { name, atMs: nowMs });
    }
    for (const [id, { atMs }] of this.#seen) {
      if (nowMs - atMs > STAYS_MS) this.#seen.delete(id);
    }
    return [...this.#seen]
      .map(([id, { name, atMs }]) => ({ id, name, here: atMs === nowMs }))
      .toSorted((a, b) => a.id - b.id)
      .slice(0, MOST);
  }
}

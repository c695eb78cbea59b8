/** Which tiles play: as many as the machine can bear, and those that are looked at. */

export interface Wish {
  /** Asked for by hand; the latest comes first. */
  readonly asked: readonly string[];
  /** Paused by hand. */
  readonly paused: ReadonlySet<string>;
}

/** Ids of the tiles that play, out of those that can be seen, in their order on the page. */
export function playing(visible: readonly string[], wish: Wish, most: number): ReadonlySet<string> {
  const can = visible.filter((id) => !wish.paused.has(id));
  const asked = wish.asked.filter((id) => can.includes(id));
  const others = can.filter((id) => !asked.includes(id));
  return new Set([...asked, ...others].slice(0, most));
}

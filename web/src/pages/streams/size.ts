/** How large tiles are; kept for the next visit. */

export const SIZES = ["auto", "small", "medium", "large"] as const;
export type Size = (typeof SIZES)[number];

const KEY = "livelens.tiles";

export function sizeKept(): Size {
  const kept = localStorage.getItem(KEY);
  return SIZES.find((each) => each === kept) ?? "auto";
}

export function keepSize(size: Size): void {
  localStorage.setItem(KEY, size);
}

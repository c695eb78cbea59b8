/** Where persons are: from run lengths to a tint over the picture. */

import type { Mask } from "../client";
import type { Surface } from "./surface";
import type { Size } from "./viewport";

/** Red, green, blue, and how much of it, of 255. */
const TINT = [53, 181, 156, 82] as const;
/** No mask of a network is larger; what says so is damaged. */
const MOST_PIXELS = 4096 * 4096;

/** One byte for each pixel, row by row: 1 where somebody is. null where runs and size disagree. */
export function decodeMask({ size: [height, width], counts }: Mask): Uint8Array | null {
  const pixels = height * width;
  if (!(pixels > 0 && pixels <= MOST_PIXELS)) return null;
  const rows = new Uint8Array(pixels);
  let at = 0;
  let inside = false;
  for (const count of counts) {
    const end = at + count;
    if (!(count >= 0 && end <= pixels)) return null;
    if (inside) {
      // Runs go down the columns.
      for (let i = at; i < end; i++) rows[(i % height) * width + Math.floor(i / height)] = 1;
    }
    at = end;
    inside = !inside;
  }
  return at === pixels ? rows : null;
}

/** A picture of each mask, which is drawn more than once. */
const painted = new WeakMap<Mask, OffscreenCanvas>();

function pictureOf(mask: Mask): OffscreenCanvas | null {
  const known = painted.get(mask);
  if (known !== undefined) return known;
  const rows = decodeMask(mask);
  if (rows === null) return null;
  const [height, width] = mask.size;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) return null;
  const image = context.createImageData(width, height);
  for (let i = 0; i < rows.length; i++) if (rows[i] === 1) image.data.set(TINT, 4 * i);
  context.putImageData(image, 0, 0);
  painted.set(mask, canvas);
  return canvas;
}

export function paintMask(
  { context, x, y, across, down }: Surface,
  mask: Mask,
  framePx: Size,
): void {
  const picture = pictureOf(mask);
  if (picture === null) return;
  context.drawImage(picture, x(0), y(0), across(framePx[0]), down(framePx[1]));
}

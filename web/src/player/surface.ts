/** A canvas that lies over a picture: from pixels of the frame to pixels of the canvas. */

import type { Box } from "../client";
import { type Placing, type Size, wholeIn } from "./viewport";

export type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Surface {
  readonly context: Context;
  readonly width: number;
  readonly height: number;
  /** Canvas pixels in one CSS pixel: lines and letters are that much larger. */
  readonly unit: number;
  /** Little room: small letters. */
  readonly small: boolean;
  /** Place of a column and a row of the frame. */
  x(framePx: number): number;
  y(framePx: number): number;
  /** Lengths. */
  across(framePx: number): number;
  down(framePx: number): number;
  /** The part of the frame that is seen. */
  readonly seen: Box;
}

const SMALL_PX = 480;

/** `place`: how the frame lies on the canvas; it fills it, unless told. */
export function surfaceOf(
  context: Context,
  width: number,
  height: number,
  unit: number,
  framePx: Size,
  { scaleX, scaleY, left, top, seen }: Placing = wholeIn(framePx, [width, height]),
): Surface {
  return {
    context,
    width,
    height,
    unit,
    small: width / unit < SMALL_PX,
    x: (px) => px * scaleX + left,
    y: (px) => px * scaleY + top,
    across: (px) => px * scaleX,
    down: (px) => px * scaleY,
    seen,
  };
}

/** Gives the canvas the pixels that the screen has for it, so that lines are crisp. */
export function sizeToScreen(canvas: HTMLCanvasElement): void {
  const ratio = Math.min(canvas.ownerDocument.defaultView?.devicePixelRatio || 1, 2);
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
}

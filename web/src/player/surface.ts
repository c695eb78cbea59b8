/** A canvas that lies over a picture: from pixels of the frame to pixels of the canvas. */

export type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

export interface Surface {
  readonly context: Context;
  readonly width: number;
  readonly height: number;
  /** Canvas pixels in one CSS pixel: lines and letters are that much larger. */
  readonly unit: number;
  /** Little room: small letters. */
  readonly small: boolean;
  x(framePx: number): number;
  y(framePx: number): number;
}

const SMALL_PX = 480;

export function surfaceOf(
  context: Context,
  width: number,
  height: number,
  unit: number,
  framePx: readonly [number, number],
): Surface {
  const scaleX = width / Math.max(framePx[0], 1);
  const scaleY = height / Math.max(framePx[1], 1);
  return {
    context,
    width,
    height,
    unit,
    small: width / unit < SMALL_PX,
    x: (px) => px * scaleX,
    y: (px) => px * scaleY,
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

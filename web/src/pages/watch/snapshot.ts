/** A picture of the screen as a file. */

import { RTP_HZ } from "../../player/rtp";

/** "street 00-01-23.456.png", by the time of the stream. */
export function snapshotName(stream: string, rtpTimestamp: number): string {
  const ms = Math.round((rtpTimestamp / RTP_HZ) * 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const rest = String(ms % 1000).padStart(3, "0");
  const time = `${two(ms / 3_600_000)}-${two((ms / 60_000) % 60)}-${two((ms / 1000) % 60)}.${rest}`;
  return `${stream.replace(/[^\p{L}\p{N}._-]+/gu, "_")} ${time}.png`;
}

/** Offers a PNG of the canvas for download; false when the browser cannot make one. */
export async function save(canvas: HTMLCanvasElement, name: string): Promise<boolean> {
  const file = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (file === null) return false;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return true;
}

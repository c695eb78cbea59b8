/** Which of a stream's renditions is shown. */

import type { SinkInfo, StreamInfo } from "../client";
import type { Size } from "../player/viewport";

/** The renditions that browsers may watch. */
export function renditionsOf(info: StreamInfo | undefined): readonly SinkInfo[] {
  return info?.sinks.filter(({ type }) => type === "whep") ?? [];
}

/** The one that is wanted, if there is it; else the first that the page draws on as a whole. */
export function renditionOf(info: StreamInfo | undefined, wanted: string | undefined): string {
  const all = renditionsOf(info);
  const found = all.find(({ name }) => name === wanted);
  const plain = all.filter(({ overlay }) => overlay !== true);
  const whole = plain.find(({ name }) => cameraOfRendition(info, name) === null);
  const first = found ?? whole ?? plain[0] ?? all[0];
  return first?.name ?? wanted ?? "main";
}

const sizes = new Map<string, Size>();

/** Of the wide shot; the last that was told, while the server does not answer or the stream starts. */
export function wideSizeOf(stream: string, info: StreamInfo | undefined): Size | null {
  if (info?.size_px != null) sizes.set(stream, info.size_px);
  return sizes.get(stream) ?? null;
}

/** Whether the server has drawn on it, so that the page must not. */
export function drawnByServer(info: StreamInfo | undefined, rendition: string): boolean {
  return renditionsOf(info).find(({ name }) => name === rendition)?.overlay === true;
}

/** The stage whose virtual camera a rendition shows; null: it is the whole picture. */
export function cameraOfRendition(info: StreamInfo | undefined, rendition: string): string | null {
  const told = renditionsOf(info).find(({ name }) => name === rendition)?.viewport;
  if (told !== undefined) return told;
  const sink = info?.spec?.sinks?.find(({ type, name }) => (name || type) === rendition);
  return typeof sink?.viewport === "string" ? sink.viewport : null;
}

/** The first rendition that shows what a camera shows, not drawn on if there is one. */
export function renditionOfCamera(info: StreamInfo | undefined, camera: string): string | null {
  const shown = renditionsOf(info).filter(({ name }) => cameraOfRendition(info, name) === camera);
  return (shown.find(({ overlay }) => overlay !== true) ?? shown[0])?.name ?? null;
}

/** By how much cameras that look ahead make a stream's results late. */
export function lookaheadMs(info: StreamInfo | undefined): number {
  const each = (info?.spec?.stages ?? []).map(({ lookahead_s: s }) =>
    typeof s === "number" ? s * 1000 : 0,
  );
  return each.reduce((sum, ms) => sum + ms, 0);
}

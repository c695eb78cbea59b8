/** Which of a stream's renditions is shown. */

import type { SinkInfo, StreamInfo } from "../client";

/** The renditions that browsers may watch. */
export function renditionsOf(info: StreamInfo | undefined): readonly SinkInfo[] {
  return info?.sinks.filter(({ type }) => type === "whep") ?? [];
}

/** The one that is wanted, if there is it; else the first that the page draws on itself. */
export function renditionOf(info: StreamInfo | undefined, wanted: string | undefined): string {
  const all = renditionsOf(info);
  const found = all.find(({ name }) => name === wanted);
  const first = found ?? all.find(({ overlay }) => overlay !== true) ?? all[0];
  return first?.name ?? wanted ?? "main";
}

/** Whether the server has drawn on it, so that the page must not. */
export function drawnByServer(info: StreamInfo | undefined, rendition: string): boolean {
  return renditionsOf(info).find(({ name }) => name === rendition)?.overlay === true;
}

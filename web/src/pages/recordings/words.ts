/** How lengths, sizes and ends of recordings are written. */

import type { Recording } from "../../client";
import { number, t } from "../../strings/index.svelte";

/** "1:02:03" or "2:03"; with tenths "2:03.4". */
export function clock(seconds: number, tenths = false): string {
  const whole = Math.max(0, tenths ? Math.floor(seconds * 10) / 10 : Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = whole % 60;
  const last = tenths ? rest.toFixed(1).padStart(4, "0") : two(rest);
  return hours > 0 ? `${hours}:${two(minutes)}:${last}` : `${minutes}:${last}`;
}

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, value < 10 && unit > 1 ? 1 : 0)} ${units[unit]}`;
}

/** "2 h", "7 days". */
export function span(seconds: number): string {
  if (seconds >= 172_800) return t("recordings.days", { count: Math.round(seconds / 86_400) });
  if (seconds >= 7200) return t("recordings.hours", { count: Math.round(seconds / 3600) });
  return t("recordings.minutes", { count: Math.max(1, Math.round(seconds / 60)) });
}

const ENDS = {
  asked: "recordings.end_asked",
  "stream-ended": "recordings.end_ended",
  "stream-failed": "recordings.end_failed",
  "stream-stopped": "recordings.end_stopped",
  length: "recordings.end_length",
  disk: "recordings.end_disk",
  space: "recordings.end_space",
  broken: "recordings.end_broken",
  server: "recordings.end_server",
} as const;

/** Why it has ended; empty while it goes on. */
export function whyEnded({ end, detail }: Recording): string {
  if (end === "") return "";
  const why = t(ENDS[end]);
  return detail === "" ? why : `${why} (${detail})`;
}

/** Whether that is something to be told of: nobody asked for it. */
export function endedBadly({ end }: Recording): boolean {
  return ["stream-failed", "disk", "space", "broken"].includes(end);
}

/** What a tile tells of a stream. */

import type { Problem, StreamInfo } from "../../client";

/** Problems that are older are no news, where pictures come. */
const NEWS_MS = 20_000;

export function viewersOf(info: StreamInfo): number {
  return info.sinks.reduce((sum, sink) => sum + (sink.viewers ?? 0), 0);
}

export function droppedOf(info: StreamInfo): number {
  return Object.values(info.dropped).reduce((sum, count) => sum + count, 0);
}

/** Whether pictures can be expected of it. */
export function isLive(info: StreamInfo): boolean {
  return info.state === "running" || info.state === "reconnecting" || info.state === "starting";
}

export interface Trouble {
  /** A key of the words for it. */
  readonly kind: "failed" | "reconnecting" | "source" | "stage";
  /** Who has it: the name of a stage or sink, or "source". */
  readonly where: string;
  readonly message: string;
}

/** What is wrong with a stream, if anything. */
export function troubleOf(
  info: StreamInfo,
  problem: Problem | undefined,
  nowUnixMs: number,
): Trouble | null {
  if (info.state === "failed") return { kind: "failed", where: "", message: info.detail };
  if (info.state === "reconnecting") {
    const why = info.detail.replace(/; trying again in .*$/, "");
    return { kind: "reconnecting", where: "source", message: why };
  }
  if (problem === undefined || info.state === "stopped" || info.state === "ended") return null;
  if (nowUnixMs - problem.unix_ns / 1e6 > NEWS_MS) return null;
  const kind = problem.where === "source" ? "source" : "stage";
  return { kind, where: problem.where, message: problem.message };
}

export type Filter = "all" | "running" | "trouble";

export function matches(info: StreamInfo, words: string, filter: Filter): boolean {
  if (filter === "running" && info.state !== "running") return false;
  if (filter === "trouble" && info.state !== "failed" && info.state !== "reconnecting")
    return false;
  const sought = words.trim().toLowerCase();
  const told = `${info.id} ${info.source.label} ${info.source.type} ${info.state}`.toLowerCase();
  return sought.split(/\s+/).every((word) => told.includes(word));
}

/** Those that show something, or should, come before those that do not; else as they came. */
export function inOrder(streams: readonly StreamInfo[]): StreamInfo[] {
  const rests = (info: StreamInfo) => ["waiting", "stopped", "ended"].includes(info.state);
  return streams.toSorted((a, b) => Number(rests(a)) - Number(rests(b)));
}

/** The address at which anybody with the right may watch. */
export function linkTo(stream: string, base: string): string {
  return `${base}#/watch/${encodeURIComponent(stream)}`;
}

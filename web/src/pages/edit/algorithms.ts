/** What is installed, as `GET /api/algorithms` tells, and how a pipeline's stages relate to it. */

import { type Field, fieldsOf, type Settings, trimmed } from "./form";

export interface ModelView {
  readonly name: string;
  readonly description: string;
  readonly licence: string;
  readonly cached: boolean;
  readonly size: number;
  readonly confidence: number | null;
  readonly iou: number | null;
}

export interface Algorithm {
  readonly name: string;
  readonly kind: "detector" | "tracker" | "descriptor" | "stage";
  readonly stage: Settings & { readonly type: string };
  readonly description: string;
  readonly finds: readonly string[];
  readonly describes: readonly string[];
  readonly measures: readonly string[];
  readonly needs: readonly string[];
  readonly gives: readonly string[];
  readonly settings: unknown;
  readonly models: readonly ModelView[];
  readonly error: string;
}

/** The algorithm that a stage runs; undefined for one that is not installed. */
export function algorithmOf(
  stage: Settings,
  algorithms: readonly Algorithm[],
): Algorithm | undefined {
  const alike = algorithms.filter((each) => each.stage.type === stage.type);
  return (
    alike.find((each) =>
      Object.entries(each.stage).every(([key, value]) => stage[key] === value),
    ) ?? alike[0]
  );
}

/** Only what a person would have written. */
export function written(stage: Settings, algorithms: readonly Algorithm[]): Settings {
  const algorithm = algorithmOf(stage, algorithms);
  if (algorithm === undefined) return stage;
  // What chooses the algorithm is told though it be the default.
  return { ...algorithm.stage, ...trimmed(stage, fieldsOf(algorithm.settings)) };
}

/** What the detectors before this place find, for lists of classes. */
export function classesBefore(
  stages: readonly Settings[],
  place: number,
  algorithms: readonly Algorithm[],
): string[] {
  const found = stages.slice(0, place).flatMap((stage) => {
    if (stage.type !== "detect") return [];
    return Array.isArray(stage.classes)
      ? stage.classes.map(String)
      : (algorithmOf(stage, algorithms)?.finds ?? []);
  });
  return [...new Set(found)];
}

/** Where a stage can stand so that all before it give what it needs; null where nowhere. */
export function placeFor(
  added: Algorithm,
  stages: readonly Settings[],
  algorithms: readonly Algorithm[],
): number | null {
  const given = new Set(["frame"]);
  const able = () => added.needs.every((need) => given.has(need));
  let last = able() ? 0 : null;
  for (const [i, stage] of stages.entries()) {
    for (const each of algorithmOf(stage, algorithms)?.gives ?? []) given.add(each);
    // A detector goes before the tracker, whom it would find no ear with afterwards.
    if (last !== null && added.kind === "detector" && stage.type === "track") return last;
    if (able()) last = i + 1;
  }
  return last;
}

const SMALL: ReadonlySet<string> = new Set([
  "name",
  "workers",
  "batch",
  "timeout_s",
  "lane",
  "runtime",
  "device",
  "threads",
  "precision",
  "decoder",
  "labels",
  "alike",
  "iou",
  "handover_s",
  "refresh_s",
  "window_s",
  "min_size_px",
  "min_iou",
  "min_frames",
  "high_confidence",
  "units",
  "thickness_px",
  "text_scale",
  "by_score",
  "by_size",
  "by_centrality",
  "by_motion",
  "switch_s",
  "recall_s",
  "appearance",
  "headroom",
  "lead_room",
  "response_s",
  "max_speed",
  "max_acceleration",
  "max_zoom_rate",
  "dead_band",
  "borders",
  "padding",
]);

/** Those that most people want, and those that few do. */
export function sides(fields: readonly Field[]): { main: Field[]; small: Field[] } {
  return {
    main: fields.filter(({ key }) => !SMALL.has(key)),
    small: fields.filter(({ key }) => SMALL.has(key)),
  };
}

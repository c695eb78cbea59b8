/** How a stream gets its first virtual camera. Pure. */

import { type Algorithm, algorithmOf } from "../../edit/algorithms";
import type { Settings } from "../../edit/form";

/** Finds persons, animals and balls, and is small. */
const DETECT: Settings = { type: "detect", model: "coco-ssd", every: "auto" };
const TRACK: Settings = { type: "track" };
const CAMERA: Settings = { type: "reframe" };

interface Plan {
  readonly stages: readonly Settings[];
  readonly sinks: readonly Settings[];
}

/** The plan with a camera, a rendition of what it shows, and what it cannot do without. */
export function withCamera({ stages, sinks }: Plan, algorithms: readonly Algorithm[]): Plan {
  const gives = (what: string) =>
    stages.some((stage) => algorithmOf(stage, algorithms)?.gives.includes(what));
  const found = gives("detections") ? [] : [DETECT];
  const followed = gives("tracks") ? [] : [TRACK];
  const shown = sinks.some((sink) => sink.type === "whep" && sink.viewport === "reframe");
  const names = sinks.map((sink) => String(sink.name || sink.type));
  const name = names.includes("framed") ? "framed-2" : "framed";
  return {
    stages: [...stages, ...found, ...followed, CAMERA],
    sinks: shown ? sinks : [...sinks, { type: "whep", name, viewport: "reframe" }],
  };
}

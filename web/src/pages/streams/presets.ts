/** What presets are for, in the language of the person. */

import type { PresetInfo } from "../../client";
import { t } from "../../strings/index.svelte";

const KNOWN = [
  "default",
  "faces",
  "people",
  "traffic",
  "landmarks",
  "everything",
  "follow",
] as const;
type Known = (typeof KNOWN)[number];

/** Ours in any language; those of the configuration as the server describes them. */
export function presetWords(preset: Partial<PresetInfo>): string {
  const known = KNOWN.find((each) => each === preset.name);
  return known !== undefined && preset.description === ENGLISH[known]
    ? t(`addSource.preset_${known}`)
    : (preset.description ?? "");
}

/** One of the configuration may have taken the name of ours. */
const ENGLISH: Readonly<Record<Known, string>> = {
  default: "pictures only, nothing is sought",
  faces: "faces with age, gender, emotion, head pose and glasses",
  people: "persons with their pose and clothing",
  traffic: "vehicles with type, direction and how many pass where",
  landmarks: "points on bodies, faces and hands",
  everything: "all of these at once, for powerful machines",
  follow: "an upright picture that follows a person, an animal or a ball",
};

/** What is written at the frame of a virtual camera. */

import type { Viewport } from "../client";
import { t } from "../strings/index.svelte";

/** "following 3"; with the camera's name where there are several. */
export function cameraWords(name: string, viewport: Viewport, among: number): string {
  const state = stateWords(viewport);
  return among > 1 ? `${name} · ${state}` : state;
}

export function stateWords({ state, subjects = [] }: Viewport): string {
  if (state === "wide") return t("framing.stateWide");
  const who = subjects.map((each) => `#${each}`).join(", ");
  if (state === "holding") return t("framing.stateHolding", { who }).trim();
  return t("framing.stateFollowing", { who }).trim();
}

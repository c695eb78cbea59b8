/** What a camera's pictures can be run through. */

import { api } from "../../app/server";
import { ApiError, type PresetInfo } from "../../client";

export type Preset = PresetInfo;

/** Where the server's own choice seeks nothing, a person still wants to see something. */
export function firstChoice(known: readonly Preset[]): string {
  const own = known.find(({ name }) => name === "default");
  const faces = known.some(({ name }) => name === "faces");
  return faces && own?.stages.length === 0 ? "faces" : "";
}

/** An old server tells none: then there is its own choice alone. */
export async function presets(signal: AbortSignal): Promise<Preset[]> {
  try {
    const response = await api.request("api/server", { signal });
    const body = (await response.json()) as { presets?: Preset[] };
    return body.presets ?? [];
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return [];
    throw error;
  }
}

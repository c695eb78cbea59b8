/** What a camera's pictures can be run through. */

import { api } from "../../app/server";
import { ApiError } from "../../client";

export interface Preset {
  name: string;
  description: string;
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

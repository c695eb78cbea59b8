/** What the editor needs to know before it can show anything. */

import { api } from "../../app/server";
import { ApiError } from "../../client";
import { type Algorithm, written } from "./algorithms";
import type { Plan } from "./draft.svelte";
import type { Settings } from "./form";

export interface Preset {
  readonly name: string;
  readonly stages: readonly Settings[];
  readonly description?: string;
}

export interface Loaded {
  readonly algorithms: readonly Algorithm[];
  readonly presets: readonly Preset[];
  /** As the configuration would write it; without passwords. */
  readonly source: Settings;
  readonly plan: Plan;
}

interface Spec extends Plan {
  readonly source: Settings;
}

export async function load(stream: string): Promise<Loaded> {
  const [told, { algorithms }, presets] = await Promise.all([
    json<{ spec: Spec }>(`api/streams/${encodeURIComponent(stream)}`),
    json<{ algorithms: Algorithm[] }>("api/algorithms"),
    presetsOf(),
  ]);
  const { source, stages, sinks, max_delay_s, on_error } = told.spec;
  const plan: Plan = {
    stages: stages.map((stage) => written(stage, algorithms)),
    sinks: sinks.map(withoutNothing),
    max_delay_s,
    on_error,
  };
  return { algorithms, presets, source: withoutNothing(source), plan };
}

async function presetsOf(): Promise<readonly Preset[]> {
  try {
    const told = await json<{ presets?: readonly Preset[] }>("api/server");
    return (told.presets ?? []).map((preset) => ({
      ...preset,
      stages: preset.stages.map((stage) => (typeof stage === "string" ? { type: stage } : stage)),
    }));
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

async function json<T>(path: string): Promise<T> {
  return (await (await api.request(path)).json()) as T;
}

/** Without settings that are not set. */
function withoutNothing(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}

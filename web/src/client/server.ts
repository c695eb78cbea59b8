/** What a server is and can do, and whether it could use a source. */

import type { Api } from "./api";

export interface PresetInfo {
  name: string;
  /** One line in English. */
  description: string;
  stages: readonly unknown[];
}

export interface ServerInfo {
  version: string;
  features: {
    faces: boolean;
    recordings: boolean;
    uploads: boolean;
    publish: boolean;
    tls: boolean;
  };
  limits: Readonly<Record<string, number>>;
  uploads: { max_bytes: number; free_bytes: number };
  /** The one that published cameras get comes first. */
  presets: readonly PresetInfo[];
  unix_ns: number;
}

export type SourceProblem =
  | "empty"
  | "no_scheme"
  | "unknown_scheme"
  | "invalid"
  | "not_allowed"
  | "missing"
  | "unreachable";

export interface SourceCheck {
  ok: boolean;
  type: string;
  label: string;
  problem: SourceProblem | null;
  /** One line in English. */
  message: string;
  suggested_id: string;
  /** Where the source was tried. */
  seen: { size_px: readonly [number, number]; fps: number | null; codec: string | null } | null;
}

/** Throws `ApiError` or `Unreachable`. */
export async function serverInfo(api: Api, signal?: AbortSignal): Promise<ServerInfo> {
  const response = await api.request("api/server", signal ? { signal } : {});
  return (await response.json()) as ServerInfo;
}

/**
 * Whether a source can be used; with `probe` it is opened, for about five seconds at most.
 * Throws `ApiError` or `Unreachable`.
 */
export async function checkSource(
  api: Api,
  source: string | object,
  { probe = false, signal }: { probe?: boolean; signal?: AbortSignal } = {},
): Promise<SourceCheck> {
  const response = await api.request("api/sources/check", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ source, probe }),
    ...(signal ? { signal } : {}),
  });
  return (await response.json()) as SourceCheck;
}

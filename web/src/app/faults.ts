/** What went wrong with the server, in plain words. */

import { ApiError, Unreachable } from "../client";
import { t } from "../strings/index.svelte";

export function fault(error: unknown): string {
  if (error instanceof Unreachable) return t("faults.unreachable");
  if (error instanceof ApiError) {
    if (error.status === 401) return t("faults.signedOut");
    if (error.status === 403) return t("faults.forbidden", { why: error.message });
    if (error.status === 429) return t("faults.tooMany");
    if (error.status === 503) return t("faults.full", { why: error.message });
    return error.message;
  }
  return error instanceof Error ? error.message : String(error);
}

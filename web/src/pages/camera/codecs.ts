/** Which codecs a camera can be sent with, and why not with the others. */

import { isCompanion, nameOf } from "../../client";

/** What the server decodes. */
const TAKEN: readonly string[] = ["h264", "vp8"];
const PROPER: Readonly<Record<string, string>> = {
  h264: "H.264",
  h265: "H.265",
  vp8: "VP8",
  vp9: "VP9",
  av1: "AV1",
};

export interface Codec {
  /** As the client takes it: "H264". */
  name: string;
  label: string;
  /** Why it cannot be chosen; null when it can. */
  why: "server" | "browser" | null;
}

/** What the browser offers and what the server takes, those that serve first. */
export function codecs(capabilities: RTCRtpCapabilities | null): Codec[] {
  const offered = new Set(
    (capabilities?.codecs ?? []).filter((each) => !isCompanion(each)).map(nameOf),
  );
  // Where the browser does not let us choose, no choice would be kept.
  const chooses = "setCodecPreferences" in (globalThis.RTCRtpTransceiver?.prototype ?? {});
  const known = [...TAKEN, ...[...offered].filter((name) => !TAKEN.includes(name)).sort()];
  return known.map((name) => ({
    name: name.toUpperCase(),
    label: PROPER[name] ?? name.toUpperCase(),
    why: !TAKEN.includes(name) ? "server" : offered.has(name) && chooses ? null : "browser",
  }));
}

/** What this browser sends. */
export function ownCodecs(): Codec[] {
  return codecs(globalThis.RTCRtpSender?.getCapabilities?.("video") ?? null);
}

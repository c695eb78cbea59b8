/** What WHIP and WHEP share: one offer with all its candidates, one answer, one address to end it. */

import type { Api } from "./api";

const GATHERING_LIMIT_MS = 1000;
/** How long a broken path may take to mend before the session counts as lost. */
const MENDING_MS = 2000;

/** Puts H.264 first: the server makes it once for all viewers and decodes it best. */
export function preferH264(
  transceiver: RTCRtpTransceiver,
  capabilities: RTCRtpCapabilities | null,
): void {
  if (capabilities === null || !("setCodecPreferences" in transceiver)) return;
  const isH264 = (codec: RTCRtpCodec) => codec.mimeType.toLowerCase() === "video/h264";
  const codecs = capabilities.codecs;
  transceiver.setCodecPreferences([
    ...codecs.filter(isH264),
    ...codecs.filter((codec) => !isH264(codec)),
  ]);
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  if (pc.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHERING_LIMIT_MS);
    pc.addEventListener("icegatheringstatechange", () => {
      if (pc.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * Offers, and applies the answer.
 *
 * Returns the address that a DELETE ends the session at. Throws as `Api.request` does.
 */
export async function negotiate(
  api: Api,
  pc: RTCPeerConnection,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  await pc.setLocalDescription();
  await gathered(pc);
  const response = await api.request(path, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", Accept: "application/sdp" },
    body: pc.localDescription?.sdp ?? "",
    signal,
  });
  const location = response.headers.get("Location");
  const resource = new URL(location ?? path, response.url).href;
  try {
    await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
  } catch (error) {
    api.end(resource);
    throw error;
  }
  return resource;
}

/** Resolves when the connection stands; rejects when it fails or `signal` aborts. */
export function connected(pc: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (pc.connectionState === "connected") resolve();
      else if (pc.connectionState === "failed" || pc.connectionState === "closed")
        reject(new Error("No connection for video could be made to the server."));
      else if (signal.aborted) reject(new DOMException("Given up.", "AbortError"));
    };
    pc.addEventListener("connectionstatechange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

/** Calls `onLost` once when a connection that stood is broken for good; not after `signal`. */
export function reportLoss(pc: RTCPeerConnection, signal: AbortSignal, onLost: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let told = false;
  const lost = () => {
    if (told || signal.aborted) return;
    told = true;
    onLost();
  };
  pc.addEventListener("connectionstatechange", () => {
    clearTimeout(timer);
    if (pc.connectionState === "failed" || pc.connectionState === "closed") lost();
    else if (pc.connectionState === "disconnected") timer = setTimeout(lost, MENDING_MS);
  });
}

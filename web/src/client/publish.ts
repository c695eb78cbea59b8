/** Send a camera: WHIP. */

import type { Api } from "./api";
import { connected, negotiate, preferH264, reportLoss } from "./session";

/** A camera being sent. */
export interface Publication {
  readonly stream: string;
  readonly pc: RTCPeerConnection;
  close(): void;
}

export interface PublishOptions {
  /** Called once, when the server or the camera goes away. */
  onLost: () => void;
  signal: AbortSignal;
}

/** Throws `Unreachable`, `ApiError`, or an Error when no media connection comes about. */
export async function publish(
  api: Api,
  stream: string,
  media: MediaStream,
  options: PublishOptions,
): Promise<Publication> {
  const path = `whip/${encodeURIComponent(stream)}`;
  const pc = new RTCPeerConnection({ iceServers: await api.iceServers(path) });
  let resource: string | null = null;
  const ended = new AbortController();
  const close = () => {
    if (ended.signal.aborted) return;
    ended.abort();
    globalThis.removeEventListener("pagehide", close);
    options.signal.removeEventListener("abort", close);
    pc.close();
    if (resource !== null) api.end(resource);
  };
  options.signal.addEventListener("abort", close);
  globalThis.addEventListener("pagehide", close);
  try {
    for (const track of media.getVideoTracks()) {
      const transceiver = pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
      preferH264(transceiver, RTCRtpSender.getCapabilities("video"));
    }
    resource = await negotiate(api, pc, path, options.signal);
    await connected(pc, options.signal);
  } catch (error) {
    if (ended.signal.aborted && resource !== null) api.end(resource);
    close();
    throw error;
  }
  const lost = () => {
    if (ended.signal.aborted) return;
    close();
    options.onLost();
  };
  reportLoss(pc, ended.signal, lost);
  for (const track of media.getVideoTracks()) track.addEventListener("ended", lost);
  return { stream, pc, close };
}

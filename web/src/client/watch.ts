/** Watch a stream: WHEP. */

import type { Api } from "./api";
import { followResults } from "./results";
import { connected, negotiate, preferH264, reportLoss } from "./session";
import type { Message } from "./types";

export interface WatchOptions {
  /** `main` (nothing drawn) or `annotated`, or any other WHEP sink of the stream. */
  rendition: string;
  onMessage: (message: Message) => void;
  /** Called once, when a session that stood is lost. */
  onLost: () => void;
  signal: AbortSignal;
}

/** A session that stands. */
export interface Viewing {
  readonly pc: RTCPeerConnection;
  readonly video: MediaStream;
  readonly receiver: RTCRtpReceiver;
  close(): void;
}

/** Throws `Unreachable`, `ApiError`, or an Error when no media connection comes about. */
export async function watch(api: Api, stream: string, options: WatchOptions): Promise<Viewing> {
  const path = `whep/${encodeURIComponent(stream)}?rendition=${encodeURIComponent(options.rendition)}`;
  const pc = new RTCPeerConnection({ iceServers: await api.iceServers(path) });
  const ended = new AbortController();
  let resource: string | null = null;
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
    const transceiver = pc.addTransceiver("video", { direction: "recvonly" });
    preferH264(transceiver, RTCRtpReceiver.getCapabilities("video"));
    followResults(api, pc, stream, options.onMessage, ended.signal);
    resource = await negotiate(api, pc, path, options.signal);
    await connected(pc, options.signal);
    reportLoss(pc, ended.signal, options.onLost);
    const { receiver } = transceiver;
    return { pc, video: new MediaStream([receiver.track]), receiver, close };
  } catch (error) {
    // An abort between the answer and here has closed everything but knows no resource yet.
    if (ended.signal.aborted && resource !== null) api.end(resource);
    close();
    throw error;
  }
}

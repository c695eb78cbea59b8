/** What WHIP and WHEP share: one offer with all its candidates, one answer, one address to end it. */

import type { Api } from "./api";
import { NoConnection } from "./errors";

const GATHERING_LIMIT_MS = 1000;
/** How long a broken path may take to mend before the session counts as lost. */
const MENDING_MS = 2000;
/** Formats that go along with any codec: retransmission and redundancy. */
const COMPANIONS = new Set(["rtx", "red", "ulpfec", "flexfec-03"]);

/** One WHIP or WHEP session that stands. */
export interface Session {
  readonly pc: RTCPeerConnection;
  /** Its address. */
  readonly resource: string;
  /** Aborts when it ends. */
  readonly ended: AbortSignal;
  /** Ends it, at the server too. */
  close(): void;
}

export interface SessionOptions<Made> {
  /** Puts tracks and channels on the connection before the offer; `ended` aborts with the session. */
  prepare: (pc: RTCPeerConnection, ended: AbortSignal) => Made;
  /** Called once, when a session that stood is lost. */
  onLost: () => void;
  signal: AbortSignal;
}

/**
 * A session that stands, and what `prepare` made for it.
 *
 * Throws `Unreachable`, `ApiError` or `NoConnection`; after an abort of `signal` an AbortError.
 */
export async function openSession<Made>(
  api: Api,
  path: string,
  options: SessionOptions<Made>,
): Promise<Session & { made: Made }> {
  await api.endLeft();
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
    options.signal.throwIfAborted();
    const made = options.prepare(pc, ended.signal);
    resource = await negotiate(api, pc, path, options.signal);
    await connected(pc, options.signal);
    reportLoss(pc, ended.signal, options.onLost);
    return { pc, resource, ended: ended.signal, close, made };
  } catch (error) {
    // An abort between the answer and here has closed everything but knew no resource yet.
    if (ended.signal.aborted && resource !== null) api.end(resource);
    close();
    throw error;
  }
}

/** Puts H.264 first: the server makes it once for all viewers and decodes it best. */
export function preferH264(
  transceiver: RTCRtpTransceiver,
  capabilities: RTCRtpCapabilities | null,
): void {
  if (capabilities === null || !("setCodecPreferences" in transceiver)) return;
  const isH264 = (codec: RTCRtpCodec) => nameOf(codec) === "h264";
  const codecs = capabilities.codecs;
  transceiver.setCodecPreferences([
    ...codecs.filter(isH264),
    ...codecs.filter((codec) => !isH264(codec)),
  ]);
}

/** Offers this codec alone; false where the browser does not have it or cannot choose. */
export function offerOnly(
  transceiver: RTCRtpTransceiver,
  capabilities: RTCRtpCapabilities | null,
  codec: string,
): boolean {
  if (capabilities === null || !("setCodecPreferences" in transceiver)) return false;
  const wanted = codec.toLowerCase();
  const chosen = capabilities.codecs.filter((each) => nameOf(each) === wanted);
  if (chosen.length === 0) return false;
  const companions = capabilities.codecs.filter((each) => COMPANIONS.has(nameOf(each)));
  transceiver.setCodecPreferences([...chosen, ...companions]);
  return true;
}

/** "h264" of "video/H264". */
export function nameOf(codec: { mimeType: string }): string {
  return codec.mimeType.slice(codec.mimeType.indexOf("/") + 1).toLowerCase();
}

/** Whether a format is retransmission or redundancy, not a codec of its own. */
export function isCompanion(codec: { mimeType: string }): boolean {
  return COMPANIONS.has(nameOf(codec));
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
async function negotiate(
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
function connected(pc: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (pc.connectionState === "connected") resolve();
      else if (signal.aborted) reject(new DOMException("Given up.", "AbortError"));
      else if (pc.connectionState === "failed" || pc.connectionState === "closed")
        reject(new NoConnection());
    };
    pc.addEventListener("connectionstatechange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

/** Calls `onLost` once when a connection that stood is broken for good; not after `signal`. */
function reportLoss(pc: RTCPeerConnection, signal: AbortSignal, onLost: () => void): void {
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

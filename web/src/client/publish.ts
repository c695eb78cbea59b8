/** Send a camera: WHIP. */

import type { Api } from "./api";
import { NoCodec } from "./errors";
import { offerOnly, openSession, preferH264, type Session } from "./session";

/** What is asked of the browser's encoder; what is not given it decides by itself. */
export interface SendLimits {
  /** Most bits per second of video; null for no limit. */
  maxBitrateBps?: number | null;
  /** Most pictures per second; null for no limit. */
  fps?: number | null;
}

/** How a camera is sent. */
export interface SendOptions extends SendLimits {
  /** What a stream that does not exist yet is made from; the server's default otherwise. */
  preset?: string | null;
  /** "H264" or "VP8": offered alone. Without it the browser and the server agree on the best. */
  codec?: string | null;
  /** False leaves the audio tracks of the media out. */
  audio?: boolean;
}

export interface PublishOptions extends SendOptions {
  /** Called once, when a session that stood is lost. */
  onLost: () => void;
  signal: AbortSignal;
}

/** One session that sends. */
export interface Publication extends Session {
  readonly stream: string;
  /** By kind of track. */
  readonly senders: ReadonlyMap<string, RTCRtpSender>;
}

/** Throws `Unreachable`, `ApiError`, `NoConnection` or `NoCodec`. */
export async function publish(
  api: Api,
  stream: string,
  media: MediaStream,
  options: PublishOptions,
): Promise<Publication> {
  const preset = options.preset ? `?preset=${encodeURIComponent(options.preset)}` : "";
  const path = `whip/${encodeURIComponent(stream)}${preset}`;
  const { made, ...session } = await openSession(api, path, {
    prepare: (pc) => addTracks(pc, media, options),
    onLost: options.onLost,
    signal: options.signal,
  });
  return { ...session, stream, senders: made };
}

function addTracks(
  pc: RTCPeerConnection,
  media: MediaStream,
  options: SendOptions,
): Map<string, RTCRtpSender> {
  const senders = new Map<string, RTCRtpSender>();
  // Sound first would be the first section, which some servers take for the only one.
  for (const track of media.getVideoTracks().slice(0, 1)) {
    const transceiver = pc.addTransceiver(track, {
      direction: "sendonly",
      streams: [media],
      sendEncodings: [encodingOf(options)],
    });
    const capabilities = RTCRtpSender.getCapabilities("video");
    if (!options.codec) preferH264(transceiver, capabilities);
    else if (!offerOnly(transceiver, capabilities, options.codec)) throw new NoCodec(options.codec);
    senders.set("video", transceiver.sender);
  }
  for (const track of options.audio === false ? [] : media.getAudioTracks().slice(0, 1)) {
    const transceiver = pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
    senders.set("audio", transceiver.sender);
  }
  return senders;
}

function encodingOf({ maxBitrateBps, fps }: SendLimits): RTCRtpEncodingParameters {
  return {
    ...(maxBitrateBps ? { maxBitrate: maxBitrateBps } : {}),
    ...(fps ? { maxFramerate: fps } : {}),
  };
}

/** Changes what the encoder of a session may use, while it sends. */
export async function limit(sender: RTCRtpSender, limits: SendLimits): Promise<void> {
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) {
    delete encoding.maxBitrate;
    delete encoding.maxFramerate;
    Object.assign(encoding, encodingOf(limits));
  }
  await sender.setParameters(parameters);
}

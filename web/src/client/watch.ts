/** Watch a stream: WHEP. */

import type { Api } from "./api";
import { Reporter } from "./report";
import { type Chosen, followResults, queryOf } from "./results";
import { openSession, preferH264, type Session } from "./session";
import type { Message } from "./types";

export interface WatchOptions extends Chosen {
  /** `main` (nothing drawn) or `annotated`, or any other WHEP sink of the stream. */
  rendition: string;
  /** Gets the stream's messages; without it none are asked for. */
  onMessage?: (message: Message) => void;
  /** False asks for no sound; otherwise it comes whenever a publisher sends some. */
  sound?: boolean;
  /** Called once, when a session that stood is lost. */
  onLost: () => void;
  signal: AbortSignal;
}

/** One session that receives. */
export interface Viewing extends Session {
  readonly video: MediaStream;
  readonly receiver: RTCRtpReceiver;
  /** Of sound, which may begin later or never; null where none was asked for. */
  readonly soundReceiver: RTCRtpReceiver | null;
  /** Tells the server how the viewer fares, and whoever asks here. */
  readonly reporter: Reporter;
  /**
   * Shows another rendition over the same connection; its first picture comes with a keyframe.
   *
   * Throws `Unreachable` or `ApiError`: what was shown before goes on.
   */
  show(rendition: string): Promise<void>;
}

/** Throws `Unreachable`, `ApiError` or `NoConnection`. */
export async function watch(api: Api, stream: string, options: WatchOptions): Promise<Viewing> {
  const query = queryOf(options);
  query.set("rendition", options.rendition);
  const path = `whep/${encodeURIComponent(stream)}?${query}`;
  const { made, ...session } = await openSession(api, path, {
    prepare: (pc, ended) => {
      const transceiver = pc.addTransceiver("video", { direction: "recvonly" });
      preferH264(transceiver, RTCRtpReceiver.getCapabilities("video"));
      const sound =
        options.sound === false ? null : pc.addTransceiver("audio", { direction: "recvonly" });
      const { onMessage } = options;
      if (onMessage !== undefined) followResults(api, pc, stream, onMessage, ended, options);
      return { receiver: transceiver.receiver, soundReceiver: sound?.receiver ?? null };
    },
    onLost: options.onLost,
    signal: options.signal,
  });
  const reporter = new Reporter(api, session.pc, session.resource, session.ended);
  const show = async (rendition: string) => {
    await api.request(`${session.resource}/rendition`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ rendition }),
      signal: session.ended,
    });
  };
  return { ...session, ...made, video: new MediaStream([made.receiver.track]), reporter, show };
}

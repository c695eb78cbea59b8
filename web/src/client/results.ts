/** Results of one stream: over the session's data channel, or by SSE when that does not open. */

import type { Api } from "./api";
import { pause, pauseMs } from "./backoff";
import { readMessages } from "./sse";
import { type Message, parseMessage } from "./types";

export const CHANNEL = "results";
const CHANNEL_WAIT_MS = 3000;

/** Must be called before the offer is made. Ends with `signal`. */
export function followResults(
  api: Api,
  pc: RTCPeerConnection,
  stream: string,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): void {
  // A result that is late has lost its worth: no repetition, no waiting for the ones before.
  const channel = pc.createDataChannel(CHANNEL, { ordered: false, maxRetransmits: 0 });
  const fallback = new AbortController();
  const stop = () => fallback.abort();
  const timer = setTimeout(() => {
    void followBySse(api, stream, onMessage, fallback.signal);
  }, CHANNEL_WAIT_MS);
  channel.addEventListener("open", () => {
    clearTimeout(timer);
    stop();
  });
  channel.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (typeof event.data !== "string") return;
    const message = parseMessage(event.data);
    if (message !== null) onMessage(message);
  });
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    stop();
  });
}

async function followBySse(
  api: Api,
  stream: string,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): Promise<void> {
  const path = `api/streams/${encodeURIComponent(stream)}/results`;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await readMessages(api, path, onMessage, signal);
      failures = 0;
    } catch {
      // The player itself tells why: it loses its video at the same time.
    }
    await pause(pauseMs(failures + 1, Math.random()), signal);
  }
}

/** Results of one stream: over the session's data channel, or by SSE when that does not open. */

import type { Api } from "./api";
import { pause, pauseMs } from "./backoff";
import { readMessages } from "./sse";
import { type Message, parseMessage } from "./types";

export const CHANNEL = "results";
const CHANNEL_WAIT_MS = 3000;

/** Which objects of results are wanted; all without. */
export interface Chosen {
  /** Only what these detectors found. */
  detector?: string | readonly string[];
  /** Only objects of these classes. */
  class?: string | readonly string[];
}

/** What is chosen, as the server reads it. */
export function queryOf(chosen: Chosen): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of ["detector", "class"] as const) {
    for (const value of [chosen[name] ?? []].flat()) query.append(name, value);
  }
  return query;
}

/** The address of a stream's results by SSE. */
export function resultsPath(stream: string, chosen: Chosen): string {
  const query = queryOf(chosen).toString();
  const path = `api/streams/${encodeURIComponent(stream)}/results`;
  return query === "" ? path : `${path}?${query}`;
}

/** Must be called before the offer is made. Ends with `signal`. */
export function followResults(
  api: Api,
  pc: RTCPeerConnection,
  stream: string,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
  chosen: Chosen = {},
): void {
  // A result that is late has lost its worth: no repetition, no waiting for the ones before.
  const channel = pc.createDataChannel(CHANNEL, { ordered: false, maxRetransmits: 0 });
  const fallback = new AbortController();
  const stop = () => fallback.abort();
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Not before there is a connection: a browser has six to a server by HTTP, and several
  // players that wait would take them from their own offers.
  pc.addEventListener("connectionstatechange", () => {
    if (pc.connectionState !== "connected" || timer !== undefined) return;
    if (channel.readyState !== "connecting") return;
    timer = setTimeout(() => {
      void followBySse(api, resultsPath(stream, chosen), onMessage, fallback.signal);
    }, CHANNEL_WAIT_MS);
  });
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
  path: string,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): Promise<void> {
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

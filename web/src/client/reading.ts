/** Messages by SSE as an async iterable that connects again by itself. */

import type { Api } from "./api";
import { pause, pauseMs } from "./backoff";
import { ApiError, ConnectionLost } from "./errors";
import { type LinkOptions, worthRetrying } from "./keep";
import { messages } from "./sse";
import type { Message } from "./types";

/**
 * Every message, read no faster than you take them: who is slow loses the oldest.
 *
 * Ends when `signal` aborts. Throws `ApiError` when the server refuses for good; a stream that
 * was there and is gone is waited for.
 */
export async function* follow(
  api: Api,
  path: string,
  { signal, onState, wait = false }: LinkOptions,
): AsyncGenerator<Message, void, void> {
  const end = signal ?? new AbortController().signal;
  let wasLive = false;
  try {
    onState?.("connecting", null);
    for (let failures = 0; !end.aborted; failures++) {
      let error: Error = new ConnectionLost();
      try {
        const open = () => {
          wasLive = true;
          failures = 0;
          onState?.("live", null);
        };
        for await (const message of messages(api, path, end, open)) yield message;
      } catch (fault) {
        if (end.aborted) break;
        error = fault instanceof Error ? fault : new Error(String(fault));
        if (!worthRetrying(error, wasLive, wait)) throw error;
      }
      if (end.aborted) break;
      onState?.(wasLive ? "reconnecting" : "connecting", error);
      const asked = error instanceof ApiError ? (error.retryAfterS ?? 0) * 1000 : 0;
      await pause(Math.max(pauseMs(failures + 1, Math.random()), asked), end);
    }
  } finally {
    onState?.("closed", null);
  }
}

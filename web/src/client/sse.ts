/** Server-sent events over `fetch`, which, unlike EventSource, can send the token in a header. */

import type { Api } from "./api";
import { Unreachable } from "./errors";
import { type Message, parseMessage } from "./types";

/** The server says something every 15 s, if only that it is there. */
const SILENCE_MS = 40_000;

/** Cuts a text that comes in pieces into the data of its events. */
export class EventCutter {
  #line = "";
  #data: string[] = [];

  /** The data of every event that this piece completes. */
  push(piece: string): string[] {
    const lines = (this.#line + piece).split(/\r\n|\n|\r(?!$)/);
    this.#line = lines.pop() ?? "";
    const events: string[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) events.push(this.#data.join("\n"));
        this.#data = [];
      } else if (line.startsWith("data:")) {
        this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      }
    }
    return events;
  }
}

/**
 * The messages until the server ends its answer; read no faster than they are taken.
 *
 * `onOpen` is called when the server has begun to answer. Throws as `Api.request` does, and
 * `Unreachable` when the connection breaks or falls silent.
 */
export async function* messages(
  api: Api,
  path: string,
  signal: AbortSignal,
  onOpen: () => void = () => {},
): AsyncGenerator<Message, void, void> {
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  const headers = { Accept: "text/event-stream" };
  const response = await api.request(path, { signal: either, headers });
  if (response.body === null) return;
  onOpen();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const cutter = new EventCutter();
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      for (const data of cutter.push(value)) {
        const message = parseMessage(data);
        if (message !== null) yield message;
      }
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Unreachable();
  } finally {
    // Who stops reading must not leave the server sending.
    reader.cancel().catch(() => {});
  }
}

/** Gives every message until the server ends the answer. Throws as `messages` does. */
export async function readMessages(
  api: Api,
  path: string,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of messages(api, path, signal)) onMessage(message);
}

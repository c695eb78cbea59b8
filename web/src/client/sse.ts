/** Server-sent events over `fetch`, which, unlike EventSource, can send the token in a header. */

import type { Api } from "./api";
import { type Message, parseMessage } from "./types";

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

/** Gives every message until the server ends the answer. Throws as `Api.request` does. */
export async function readMessages(
  api: Api,
  path: string,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await api.request(path, { signal, headers: { Accept: "text/event-stream" } });
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const cutter = new EventCutter();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const data of cutter.push(value)) {
      const message = parseMessage(data);
      if (message !== null) onMessage(message);
    }
  }
}

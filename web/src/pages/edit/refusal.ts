/** Where in a pipeline the server found a mistake: `… - at $.stages[1].confidence`. */

export interface Refusal {
  readonly words: string;
  /** Which stage or sink, and which of its settings; null where the server names none. */
  readonly list: "stages" | "sinks" | null;
  readonly index: number | null;
  readonly key: string | null;
}

const PLACE = / - at `?\$([^\s`]*)`?$/;

export function refusalOf(message: string): Refusal {
  const found = PLACE.exec(message);
  if (found === null) return { words: message, list: null, index: null, key: null };
  let words = message.slice(0, found.index);
  const path = found[1] ?? "";
  const parts = /^\.(stages|sinks)\[(\d+)\](?:\.([\w-]+))?/.exec(path);
  if (parts === null) {
    return { words, list: null, index: null, key: /^\.([\w-]+)$/.exec(path)?.[1] ?? null };
  }
  let key = parts[3] ?? null;
  if (key === null) {
    // Settings that do not go together are told by the name before the colon.
    const named = /^([a-z][a-z_]*): (.+)$/.exec(words);
    if (named !== null) [key, words] = [named[1] ?? null, named[2] ?? words];
    // And those that are not known, or missing, by theirs in the text.
    else key = /`([\w-]+)`$/.exec(words)?.[1] ?? null;
  }
  return {
    words,
    list: parts[1] === "sinks" ? "sinks" : "stages",
    index: Number(parts[2]),
    key,
  };
}

/** Where pictures come from, as short as a person wants to read it. */

import type { StreamInfo } from "../client";

/** The name of a file without its folders; anything else as the server tells it. */
export function sourceName({ type, label }: StreamInfo["source"]): string {
  return type === "file" ? (label.split(/[\\/]/).at(-1) ?? label) : label;
}

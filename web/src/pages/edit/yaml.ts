/** Settings as YAML, to be copied into a configuration. */

import type { Json } from "./form";

/** What YAML would take for something else than a string, or for its own signs. */
const SPECIAL = /^(?:~|null|true|false|yes|no|on|off|y|n|[-+]?[.\d].*|)$/i;
const PLAIN = /^[\p{L}\d_./][\p{L}\d_./ @%+-]*$/u;

export function yaml(value: Json, depth = 0): string {
  const indent = "  ".repeat(depth);
  if (Array.isArray(value)) {
    return value.map((each: Json) => `${indent}- ${item(each, depth)}`).join("");
  }
  if (isMap(value)) {
    return Object.entries(value)
      .map(([key, each]) => `${indent}${word(key)}:${entry(each, depth)}`)
      .join("");
  }
  return `${indent}${word(value)}\n`;
}

function entry(value: Json, depth: number): string {
  if (isShort(value)) return ` ${flow(value)}\n`;
  return `\n${yaml(value, depth + 1)}`;
}

function item(value: Json, depth: number): string {
  if (isShort(value)) return `${flow(value)}\n`;
  // The first key stands beside the dash.
  return yaml(value, depth + 1).trimStart();
}

/** Whether it fits on the line of its key. */
function isShort(value: Json): boolean {
  if (Array.isArray(value)) {
    return value.every((each: Json) => isShort(each) && !isMap(each)) && flow(value).length <= 80;
  }
  return !isMap(value) || Object.keys(value).length === 0;
}

function flow(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  return isMap(value) ? "{}" : word(value);
}

function word(value: Json): string {
  if (typeof value !== "string") return JSON.stringify(value);
  const plain = PLAIN.test(value) && !SPECIAL.test(value) && !value.endsWith(" ");
  return plain ? value : JSON.stringify(value);
}

function isMap(value: Json): value is { readonly [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The part of a configuration that would make this stream. */
export function configurationOf(
  stream: string,
  source: Json,
  plan: { stages: Json; sinks: Json; max_delay_s: number | null; on_error: string },
): string {
  const limits = {
    ...(plan.max_delay_s === 1 ? {} : { max_delay_s: plan.max_delay_s }),
    ...(plan.on_error === "restart" ? {} : { on_error: plan.on_error }),
  };
  const told = { source, stages: plan.stages, sinks: plan.sinks, ...limits };
  return yaml({ streams: { [stream]: told } });
}

/** The server's OpenAPI document, in the order in which people read it. */

import type { Schema, Schemas } from "./schema";

export interface Parameter {
  name: string;
  in: "path" | "query";
  description?: string;
  required?: boolean;
}

interface Content {
  schema?: Schema;
}

interface Operation {
  summary?: string;
  operationId: string;
  parameters?: readonly Parameter[];
  requestBody?: { content: Readonly<Record<string, Content>> };
  responses: Readonly<
    Record<string, { description: string; content?: Readonly<Record<string, Content>> }>
  >;
  "x-right"?: string;
}

export interface Document {
  info: { title: string; version: string };
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: { schemas: Schemas };
}

/** One method of one path. */
export interface Call {
  id: string;
  method: string;
  path: string;
  summary: string;
  /** What it wants of who asks: `view the stream`. */
  right: string;
  parameters: readonly Parameter[];
  body: { type: string; schema: Schema } | null;
  answer: { status: string; type: string; schema: Schema } | null;
  /** Statuses of what can go wrong, with their names. */
  errors: readonly [string, string][];
  /** Whether its answer goes on and on. */
  events: boolean;
}

export interface Group {
  name: string;
  calls: Call[];
}

const METHODS = ["get", "post", "put", "patch", "delete", "options"];
const EVENTS = "text/event-stream";

/** `streams` of `/api/streams/{stream}`, `whip` of `/whip/{stream}`. */
export function groupOf(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== "api");
  if (parts.length === 1 && !path.startsWith("/api/")) return "server";
  return parts[0]?.replace(/\.\w+$/, "") ?? "server";
}

export function groupsOf(document: Document): Group[] {
  const groups = new Map<string, Group>();
  for (const [path, item] of Object.entries(document.paths)) {
    const name = groupOf(path);
    const group = groups.get(name) ?? { name, calls: [] };
    groups.set(name, group);
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) group.calls.push(callOf(method, path, operation));
    }
  }
  return [...groups.values()];
}

function callOf(method: string, path: string, operation: Operation): Call {
  const success = Object.entries(operation.responses).find(([status]) => status < "300");
  const contents = Object.entries(success?.[1].content ?? {});
  const [answer] = contents;
  const [body] = Object.entries(operation.requestBody?.content ?? {});
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    summary: operation.summary ?? "",
    right: operation["x-right"] ?? "",
    parameters: operation.parameters ?? [],
    body: body === undefined ? null : { type: body[0], schema: body[1].schema ?? {} },
    answer:
      success === undefined || answer === undefined
        ? null
        : { status: success[0], type: answer[0], schema: answer[1].schema ?? {} },
    errors: Object.entries(operation.responses)
      .filter(([status]) => status >= "400")
      .map(([status, { description }]) => [status, description]),
    events: answer?.[0] === EVENTS,
  };
}

/** The address of a call; throws the name of a part of the path that is missing. */
export function addressOf(call: Call, values: Readonly<Record<string, string>>): string {
  const path = call.path.replace(/{(\w+)}/g, (_, name: string) => {
    const value = values[name] ?? "";
    if (value === "") throw new Error(name);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const { name, in: where } of call.parameters) {
    const value = values[name] ?? "";
    if (where === "query" && value !== "") query.set(name, value);
  }
  const tail = query.toString();
  return `${path.slice(1)}${tail === "" ? "" : `?${tail}`}`;
}

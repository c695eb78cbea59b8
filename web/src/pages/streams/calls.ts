/** What the control room asks of the server. */

import { api } from "../../app/server";
import type { StreamInfo } from "../../client";

export type Command = "start" | "stop" | "restart";

function path(stream: string): string {
  return `api/streams/${encodeURIComponent(stream)}`;
}

export async function command(stream: string, what: Command): Promise<void> {
  await api.request(`${path(stream)}/${what}`, { method: "POST" });
}

export async function remove(stream: string): Promise<void> {
  await api.remove(stream);
}

export async function add(body: object): Promise<StreamInfo> {
  const response = await api.request("api/streams", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as StreamInfo;
}

/** Orders to the server from the control room, and how they ended, in words. */

import { fault } from "../../app/faults";
import { notices } from "../../app/notices.svelte";
import { streams } from "../../app/streams.svelte";
import { t } from "../../strings/index.svelte";
import { type Command, command, remove } from "./calls";

export async function order(stream: string, what: Command): Promise<void> {
  const words = {
    start: "streams.started",
    stop: "streams.stopped",
    restart: "streams.restarted",
  } as const;
  await told(command(stream, what), t(words[what], { name: stream }));
}

export async function orderRemoval(stream: string): Promise<void> {
  await told(remove(stream), t("streams.removed", { name: stream }));
}

async function told(call: Promise<void>, done: string): Promise<void> {
  try {
    await call;
    notices.tell("good", done);
  } catch (error) {
    notices.tell("bad", fault(error));
  }
  streams.refresh();
}

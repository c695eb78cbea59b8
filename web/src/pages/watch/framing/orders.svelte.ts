/** Changes of a stream's virtual cameras: shown at once, and made at the server one after another. */

import { fault } from "../../../app/faults";
import { api } from "../../../app/server";
import { streams } from "../../../app/streams.svelte";
import { ApiError, type DetectedObject, type StreamInfo } from "../../../client";
import type { Point, Size } from "../../../player/viewport";
import type { Algorithm } from "../../edit/algorithms";
import type { Settings } from "../../edit/form";
import { refusalOf } from "../../edit/refusal";
import { withCamera } from "./adding";
import {
  type Camera,
  type Change,
  camerasOf,
  changed,
  following,
  outstanding,
  withChange,
} from "./cameras";

/** Changes of one drag are one order. */
const PAUSE_MS = 150;
const MISSED_MS = 4000;
/** What the list of streams has not told by then, somebody else has changed. */
const TOLD_MS = 4000;

interface Spec {
  readonly stages: readonly Settings[];
  readonly sinks: readonly Settings[];
}

export class FramingOrders {
  /** Why the last order was refused. */
  refusal = $state("");
  adding = $state(false);
  /** The last click on the picture met nobody: the camera waits there for who comes. */
  missed = $state(false);
  /** Of several cameras, the one that was chosen. */
  preferred = $state<string | null>(null);
  /** By camera: what is wanted and not told by the list of streams yet. */
  #wanted = $state.raw<Readonly<Record<string, Change>>>({});
  #unsent = new Map<string, Change>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #missedTimer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;
  #sentMs = 0;

  constructor(readonly stream: string) {}

  /** The cameras as they are wanted. */
  cameras(info: StreamInfo | undefined): Camera[] {
    return camerasOf(info?.spec).map((camera) => ({
      ...camera,
      settings: changed(camera.settings, this.#wanted[camera.name] ?? {}),
    }));
  }

  /** The one whose shot this is, else the one that was chosen, else the first. */
  camera(info: StreamInfo | undefined, shown: string | null): Camera | undefined {
    const all = this.cameras(info);
    return (
      all.find(({ name }) => name === shown) ??
      all.find(({ name }) => name === this.preferred) ??
      all[0]
    );
  }

  /** A click on the picture, in pixels of the frame, and who is there. */
  choose(camera: string, at: Point, who: DetectedObject | null, frame: Size): void {
    clearTimeout(this.#missedTimer);
    this.missed = who === null;
    this.change(camera, following(at, frame));
    if (who === null)
      this.#missedTimer = setTimeout(() => {
        this.missed = false;
      }, MISSED_MS);
  }

  change(camera: string, change: Change): void {
    this.#wanted = { ...this.#wanted, [camera]: { ...this.#wanted[camera], ...change } };
    this.#unsent.set(camera, { ...this.#unsent.get(camera), ...change });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#send(), PAUSE_MS);
  }

  /** To be called with what the list of streams tells: what it says need not be remembered. */
  told(info: StreamInfo): void {
    const wanted = Object.entries(this.#wanted);
    if (wanted.length === 0) return;
    const late =
      !this.#busy && this.#unsent.size === 0 && performance.now() - this.#sentMs > TOLD_MS;
    const left: Record<string, Change> = {};
    for (const { name, settings } of late ? [] : camerasOf(info.spec)) {
      const open = outstanding(settings, this.#wanted[name] ?? {});
      if (open !== null) left[name] = open;
    }
    this.#wanted = left;
  }

  /** A camera for a stream that has none, a rendition of what it shows, and what it needs. */
  async add(): Promise<void> {
    this.adding = true;
    this.refusal = "";
    try {
      const response = await api.request("api/algorithms");
      const { algorithms } = (await response.json()) as { algorithms: readonly Algorithm[] };
      await this.#patch(withCamera(await this.#spec(), algorithms));
    } catch (error) {
      this.#refused(error);
    }
    this.adding = false;
  }

  /** A rendition of what a camera shows. */
  async addRendition(camera: string): Promise<void> {
    this.refusal = "";
    try {
      const { sinks } = await this.#spec();
      const names = sinks.map((sink) => String(sink.name || sink.type));
      const name = names.includes("framed") ? `framed-${camera}` : "framed";
      await this.#patch({ sinks: [...sinks, { type: "whep", name, viewport: camera }] });
    } catch (error) {
      this.#refused(error);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#missedTimer);
    if (this.#unsent.size > 0) void this.#send();
  }

  async #send(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#unsent.size > 0) {
      const changes = [...this.#unsent];
      this.#unsent = new Map();
      try {
        let { stages } = await this.#spec();
        for (const [name, change] of changes) stages = withChange(stages, name, change) ?? stages;
        await this.#patch({ stages });
        this.refusal = "";
      } catch (error) {
        this.#refused(error);
        this.#wanted = Object.fromEntries(this.#unsent);
      }
      this.#sentMs = performance.now();
    }
    this.#busy = false;
  }

  async #spec(): Promise<Spec> {
    const response = await api.request(this.#path);
    return ((await response.json()) as { spec: Spec }).spec;
  }

  async #patch(body: Partial<Spec>): Promise<void> {
    await api.request(this.#path, {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    streams.refresh();
  }

  get #path(): string {
    return `api/streams/${encodeURIComponent(this.stream)}`;
  }

  #refused(error: unknown): void {
    const plain = error instanceof ApiError && [400, 422].includes(error.status);
    this.refusal = plain ? refusalOf(error.message).words : fault(error);
  }
}

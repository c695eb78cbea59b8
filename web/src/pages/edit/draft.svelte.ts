/** A pipeline while it is edited: what is wanted, what runs, and the way back. */

import { fault } from "../../app/faults";
import { api } from "../../app/server";
import { ApiError } from "../../client";
import { type Json, type Settings, same } from "./form";
import { type Refusal, refusalOf } from "./refusal";

/** What of a stream can change while it runs. */
export interface Plan {
  readonly stages: readonly Settings[];
  readonly sinks: readonly Settings[];
  readonly max_delay_s: number | null;
  readonly on_error: "restart" | "stop";
}

/** A stage or sink that keeps its card while it moves. */
export interface Card {
  readonly key: number;
  readonly data: Settings;
}

export type Progress = "same" | "changed" | "applying" | "applied" | "refused";

const PAUSE_MS = 120;
/** Changes of one drag are taken back at once. */
const ONE_CHANGE_MS = 1500;
const MOST_UNDONE = 50;

export class Draft {
  stages = $state.raw<readonly Card[]>([]);
  sinks = $state.raw<readonly Card[]>([]);
  max_delay_s = $state<number | null>(null);
  on_error = $state<"restart" | "stop">("restart");
  /** Whether changes are applied as they are made. */
  live = $state(true);
  progress = $state<Progress>("same");
  refusal = $state.raw<Refusal | null>(null);
  #undone = $state.raw<readonly Plan[]>([]);
  #running: Plan;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;
  #again = false;
  #keys = 0;
  #changedMs = 0;

  constructor(
    readonly stream: string,
    plan: Plan,
  ) {
    this.#running = plan;
    this.#show(plan);
  }

  get plan(): Plan {
    return {
      stages: this.stages.map(({ data }) => data),
      sinks: this.sinks.map(({ data }) => data),
      max_delay_s: this.max_delay_s,
      on_error: this.on_error,
    };
  }

  get canUndo(): boolean {
    return this.#undone.length > 0 || this.progress === "refused" || this.progress === "changed";
  }

  /** One setting of a stage or sink; undefined takes it away, for its default. */
  set(list: "stages" | "sinks", index: number, key: string, value: Json | undefined): void {
    this[list] = this[list].map((card, i) => {
      if (i !== index) return card;
      const { [key]: _, ...rest } = card.data;
      return { ...card, data: value === undefined ? rest : { ...rest, [key]: value } };
    });
    this.changed();
  }

  replace(list: "stages" | "sinks", index: number, data: Settings): void {
    this[list] = this[list].map((card, i) => (i === index ? { ...card, data } : card));
    this.changed();
  }

  insert(list: "stages" | "sinks", index: number, ...added: readonly Settings[]): void {
    const cards = added.map((data) => ({ key: ++this.#keys, data }));
    this[list] = this[list].toSpliced(index, 0, ...cards);
    this.changed();
  }

  remove(list: "stages" | "sinks", index: number): void {
    this[list] = this[list].toSpliced(index, 1);
    this.changed();
  }

  move(from: number, to: number): void {
    const moved = this.stages[from];
    if (moved === undefined || to < 0 || to >= this.stages.length || from === to) return;
    this.stages = this.stages.toSpliced(from, 1).toSpliced(to, 0, moved);
    this.changed();
  }

  begin(stages: readonly Settings[]): void {
    this.stages = stages.map((data) => ({ key: ++this.#keys, data }));
    this.changed();
  }

  changed(): void {
    this.progress = this.#isSame() ? "same" : "changed";
    if (!this.live) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.apply(), PAUSE_MS);
  }

  /** Back to what ran before the last change; from what was refused, to what runs. */
  undo(): void {
    if (!this.#isSame()) {
      this.#show(this.#running);
      this.refusal = null;
      this.progress = "same";
      return;
    }
    const [last, ...rest] = this.#undone;
    if (last === undefined) return;
    this.#undone = rest;
    this.#show(last);
    void this.apply(false);
  }

  /** Makes the stream run what is wanted; who watches it notices no more than the change. */
  async apply(remember = true): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      do {
        this.#again = false;
        await this.#send(remember);
      } while (this.#again);
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #send(remember: boolean): Promise<void> {
    const wanted = this.plan;
    const body = difference(this.#running, wanted);
    if (body === null) {
      this.refusal = null;
      if (this.progress !== "applied") this.progress = "same";
      return;
    }
    this.progress = "applying";
    try {
      await api.request(`api/streams/${encodeURIComponent(this.stream)}`, {
        method: "PATCH",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    } catch (error) {
      const plain = error instanceof ApiError && [400, 422].includes(error.status);
      this.refusal = refusalOf(plain ? error.message : fault(error));
      this.progress = "refused";
      return;
    }
    if (remember) this.#remember(this.#running);
    this.#running = wanted;
    this.refusal = null;
    this.progress = this.#isSame() ? "applied" : "changed";
  }

  #remember(plan: Plan): void {
    const nowMs = performance.now();
    const goesOn = nowMs - this.#changedMs < ONE_CHANGE_MS && this.#undone.length > 0;
    this.#changedMs = nowMs;
    if (!goesOn) this.#undone = [plan, ...this.#undone].slice(0, MOST_UNDONE);
  }

  #isSame(): boolean {
    return difference(this.#running, this.plan) === null;
  }

  #show(plan: Plan): void {
    this.stages = this.#cards(plan.stages, this.stages);
    this.sinks = this.#cards(plan.sinks, this.sinks);
    this.max_delay_s = plan.max_delay_s;
    this.on_error = plan.on_error;
  }

  /** Cards of what is alike stay, with the focus that they may have. */
  #cards(list: readonly Settings[], before: readonly Card[]): Card[] {
    const left = [...before];
    return list.map((data) => {
      const at = left.findIndex(
        (card) => card.data.type === data.type && card.data.name === data.name,
      );
      const [old] = at >= 0 ? left.splice(at, 1) : [];
      return { key: old?.key ?? ++this.#keys, data };
    });
  }
}

/** What to send; null where nothing differs. */
export function difference(before: Plan, after: Plan): Partial<Plan> | null {
  const entries = Object.entries(after).filter(
    ([key, value]) => !same(value, before[key as keyof Plan] as Json),
  );
  return entries.length === 0 ? null : (Object.fromEntries(entries) as Partial<Plan>);
}

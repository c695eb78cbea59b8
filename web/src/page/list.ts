/** The list of streams. */

import type { Problem, StreamInfo, StreamState } from "../client";
import { make, setText } from "./dom";

const STATE_WORDS: Record<StreamState, string> = {
  starting: "starting",
  running: "running",
  waiting: "nobody publishes",
  reconnecting: "reconnecting",
  ended: "ended",
  failed: "failed",
  stopped: "stopped",
};

/** Problems older than this are no news. */
const PROBLEM_NEWS_MS = 15_000;

interface Row {
  item: HTMLElement;
  button: HTMLElement;
  name: HTMLElement;
  state: HTMLElement;
  source: HTMLElement;
  facts: HTMLElement;
  problem: HTMLElement;
}

export class StreamList {
  #rows = new Map<string, Row>();
  #problems = new Map<string, { problem: Problem; atMs: number }>();

  constructor(
    private readonly list: HTMLElement,
    private readonly empty: HTMLElement,
    private readonly onSelect: (id: string) => void,
  ) {}

  addProblem(problem: Problem): void {
    this.#problems.set(problem.stream, { problem, atMs: performance.now() });
  }

  show(streams: readonly StreamInfo[], selected: string | null): void {
    const present = new Set(streams.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (present.has(id)) continue;
      row.item.remove();
      this.#rows.delete(id);
    }
    for (const info of streams) this.#update(info, info.id === selected);
    this.empty.hidden = streams.length > 0;
  }

  #update(info: StreamInfo, selected: boolean): void {
    const row = this.#rows.get(info.id) ?? this.#add(info.id);
    row.button.setAttribute("aria-current", String(selected));
    row.button.dataset.state = info.state;
    setText(row.name, info.id);
    setText(row.state, STATE_WORDS[info.state]);
    setText(row.source, shortLabel(info.source.label));
    row.source.title = info.source.label;
    setText(row.facts, factsOf(info).join(" · "));
    const problem = this.#problemOf(info);
    setText(row.problem, problem);
    row.problem.hidden = problem === "";
  }

  #problemOf(info: StreamInfo): string {
    if (info.state !== "running" && info.state !== "ended" && info.detail !== "")
      return info.detail;
    const news = this.#problems.get(info.id);
    if (news === undefined || performance.now() - news.atMs > PROBLEM_NEWS_MS) return "";
    return news.problem.message;
  }

  #add(id: string): Row {
    const name = make("span", "stream-name");
    const state = make("span", "stream-state");
    const source = make("span", "stream-source");
    const facts = make("span", "stream-facts");
    const problem = make("span", "stream-problem");
    const button = make(
      "button",
      "stream",
      make("span", "stream-head", name, state),
      source,
      facts,
      problem,
    );
    button.setAttribute("type", "button");
    button.dataset.stream = id;
    button.addEventListener("click", () => this.onSelect(id));
    const item = make("li", "", button);
    this.list.append(item);
    const row = { item, button, name, state, source, facts, problem };
    this.#rows.set(id, row);
    return row;
  }
}

export function factsOf(info: StreamInfo): string[] {
  const facts: string[] = [];
  if (info.size_px !== null) facts.push(`${info.size_px[0]}×${info.size_px[1]}`);
  facts.push(`${info.fps.toFixed(0)} fps`);
  if (info.latency_ms.p50 !== undefined) facts.push(`${info.latency_ms.p50.toFixed(0)} ms`);
  const dropped = total(info.dropped);
  if (dropped > 0) facts.push(`${dropped.toLocaleString("en")} dropped`);
  return facts;
}

/** A file by its name alone; anything else as it is. */
export function shortLabel(label: string): string {
  return label.startsWith("/") ? (label.split("/").at(-1) ?? label) : label;
}

export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

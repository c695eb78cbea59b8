/** Lines and zones of a pipeline's first `flux` stage, while somebody draws them. */

import type { Draft } from "../draft.svelte";
import type { Json, Settings } from "../form";
import {
  type Drawn,
  drawnOf,
  freeName,
  isWhole,
  movedBy,
  type Point,
  reversed,
  type Shape,
  type Size,
  shapesOf,
  type Units,
  withoutPoint,
  withPointAfter,
  withPointAt,
} from "./geometry";

export type Tool = "choose" | "line" | "zone";

/** Keys are pressed many times: what they did is kept when they rest. */
const REST_MS = 400;

export class Drawing {
  /** Of the frames, in pixels. */
  size = $state.raw<Size>([1280, 720]);
  tool = $state<Tool>("choose");
  chosen = $state<number | null>(null);
  point = $state<number | null>(null);
  /** Corners of the shape that is being drawn. */
  begun = $state.raw<readonly Point[]>([]);
  #moving = $state.raw<readonly Shape[] | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly draft: Draft,
    private readonly baseName: (kind: Shape["kind"]) => string,
  ) {}

  /** Place of the stage; -1 where there is none. */
  get index(): number {
    return this.draft.stages.findIndex(({ data }) => data.type === "flux");
  }

  /** What its counts stand under in results. */
  get stageName(): string {
    return String(this.#data?.name ?? "flux");
  }

  get shapes(): readonly Shape[] {
    if (this.#moving !== null) return this.#moving;
    const data = this.#data;
    if (data === null) return [];
    const drawn = {
      lines: data.lines ?? [],
      zones: data.zones ?? [],
    } as unknown as Drawn;
    return shapesOf(drawn, this.#units, this.size);
  }

  get shape(): Shape | null {
    return this.chosen === null ? null : (this.shapes[this.chosen] ?? null);
  }

  take(tool: Tool): void {
    this.tool = tool;
    this.begun = [];
    if (tool !== "choose") this.choose(null);
  }

  choose(index: number | null, point: number | null = null): void {
    this.chosen = index;
    this.point = point;
  }

  /** A shape is drawn, or comes by the keyboard. */
  add(kind: Shape["kind"], points: readonly Point[]): void {
    const names = this.shapes.filter((each) => each.kind === kind).map(({ name }) => name);
    const shape: Shape = { kind, name: freeName(this.baseName(kind), names), points };
    if (!isWhole(shape)) return;
    const lines = this.shapes.filter((each) => each.kind === "line");
    const zones = this.shapes.filter((each) => each.kind === "zone");
    // In the order in which they are read back.
    const all = kind === "line" ? [...lines, shape, ...zones] : [...lines, ...zones, shape];
    this.#keep(all);
    this.tool = "choose";
    this.begun = [];
    this.choose(all.indexOf(shape), 0);
  }

  /** Somewhere sensible, to be moved by keys. */
  addAnywhere(kind: Shape["kind"]): void {
    const [width, height] = this.size;
    const at = (x: number, y: number): Point => [x * width, y * height];
    if (kind === "line") this.add(kind, [at(0.2, 0.6), at(0.8, 0.6)]);
    else this.add(kind, [at(0.35, 0.35), at(0.65, 0.35), at(0.65, 0.7), at(0.35, 0.7)]);
  }

  movePoint(to: Point): void {
    this.#alter((shape) =>
      this.point === null ? shape : withPointAt(shape, this.point, to, this.size),
    );
  }

  /** From where it was when the drag began. */
  moveShape(from: Shape, by: Point): void {
    this.#alter(() => movedBy(from, by, this.size));
  }

  /** By keys: kept when they rest. */
  nudge(by: Point): void {
    const { shape, point } = this;
    if (shape === null) return;
    const here = point === null ? undefined : shape.points[point];
    if (here === undefined) this.#alter((each) => movedBy(each, by, this.size));
    else this.movePoint([here[0] + by[0], here[1] + by[1]]);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), REST_MS);
  }

  insert(after: number, at?: Point): void {
    this.#alter((shape) => withPointAfter(shape, after, at));
    this.point = after + 1;
  }

  /** The chosen corner; the whole shape where none is chosen, or it is the last that can go. */
  remove(): void {
    const { shape, chosen, point } = this;
    if (shape === null || chosen === null) return;
    const left = point === null ? null : withoutPoint(shape, point);
    if (left !== null) {
      this.#alter(() => left);
      this.point = Math.min(point ?? 0, left.points.length - 1);
    } else if (point === null || shape.kind === "line") {
      this.#moving = this.shapes.filter((_, i) => i !== chosen);
      this.choose(null);
    }
    this.keep();
  }

  removeShape(index: number): void {
    this.choose(index);
    this.remove();
  }

  rename(index: number, name: string): void {
    this.choose(index, this.chosen === index ? this.point : null);
    this.#alter((shape) => ({ ...shape, name }));
    this.keep();
  }

  reverse(index: number): void {
    this.choose(index);
    this.#alter(reversed);
    this.keep();
  }

  /** What was moved becomes the pipeline's. */
  keep(): void {
    clearTimeout(this.#timer);
    const moved = this.#moving;
    this.#moving = null;
    if (moved?.every(isWhole)) this.#keep(moved);
  }

  #keep(shapes: readonly Shape[]): void {
    const { lines, zones } = drawnOf(shapes, this.#units, this.size);
    const { index } = this;
    const { lines: _, zones: __, ...rest } = this.#data ?? {};
    this.draft.replace("stages", index, {
      ...rest,
      ...(lines.length > 0 ? { lines: lines as unknown as Json } : {}),
      ...(zones.length > 0 ? { zones: zones as unknown as Json } : {}),
    });
  }

  #alter(change: (shape: Shape) => Shape): void {
    const { chosen } = this;
    this.#moving = this.shapes.map((shape, i) => (i === chosen ? change(shape) : shape));
  }

  get #data(): Settings | null {
    return this.draft.stages[this.index]?.data ?? null;
  }

  get #units(): Units {
    return this.#data?.units === "fraction" ? "fraction" : "px";
  }
}

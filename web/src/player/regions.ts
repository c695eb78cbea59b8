/** Lines, zones and the grid of `flux`: where they are (settings) and what they counted (results). */

import type { Result, StreamSpec } from "../client";

export type Point = readonly [number, number];

export interface LineRegion {
  kind: "line";
  name: string;
  start: Point;
  end: Point;
  /** Crossings to the left of who looks from start to end, and to the right; null: not told. */
  in: number | null;
  out: number | null;
}

export interface ZoneRegion {
  kind: "zone";
  name: string;
  polygon: readonly Point[];
  now: number | null;
  total: number | null;
}

export interface GridRegion {
  kind: "grid";
  left: number;
  top: number;
  stepPx: number;
  /** Percent of time, and px/s, by rows and columns. */
  occupation: readonly (readonly number[])[];
  velocity: readonly (readonly Point[])[];
}

export type Region = LineRegion | ZoneRegion | GridRegion;

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const fields = (value: unknown): Fields => (isFields(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

function point(value: unknown): Point | null {
  const [x, y] = list(value);
  return typeof x === "number" && typeof y === "number" ? [x, y] : null;
}

/** {"car": 2, "bus": 1} is 3; null where nothing is told. */
function sum(counts: unknown): number | null {
  if (!isFields(counts)) return null;
  return Object.values(counts).reduce<number>(
    (total, count) => total + (typeof count === "number" ? count : 0),
    0,
  );
}

/**
 * What `flux` stages of a stream look at, in pixels of the frame, with the counts of that frame.
 * A grid is told now and then only: `gridFrom` is the latest result that does, if any.
 */
export function regionsOf(
  spec: StreamSpec | undefined,
  result: Result,
  gridFrom: (stage: string) => unknown,
): Region[] {
  const regions: Region[] = [];
  const told = fields(result.extra);
  const stages = (spec?.stages ?? []).filter(({ type }) => type === "flux");
  for (const stage of stages) {
    const name = text(stage.name) || "flux";
    const scale: Point = stage.units === "fraction" ? result.size_px : [1, 1];
    regions.push(...shapesOf(stage, fields(told[name]), scale));
  }
  const names = stages.length > 0 ? stages.map(({ name }) => text(name) || "flux") : ["flux"];
  for (const name of names) {
    const grid = gridOf(gridFrom(name));
    if (grid !== null) regions.push(grid);
  }
  return regions;
}

function shapesOf(stage: Fields, told: Fields, scale: Point): Region[] {
  const placed = (value: unknown): Point | null => {
    const found = point(value);
    return found === null ? null : [found[0] * scale[0], found[1] * scale[1]];
  };
  const counts = (of: "lines" | "zones", name: string): Fields =>
    fields(list(told[of]).find((each) => fields(each).name === name));
  const shapes: Region[] = [];
  for (const line of list(stage.lines).map(fields)) {
    const [start, end] = [placed(line.start), placed(line.end)];
    if (start === null || end === null) continue;
    const name = text(line.name);
    const counted = counts("lines", name);
    shapes.push({ kind: "line", name, start, end, in: sum(counted.in), out: sum(counted.out) });
  }
  for (const zone of list(stage.zones).map(fields)) {
    const polygon = list(zone.polygon)
      .map(placed)
      .filter((each) => each !== null);
    if (polygon.length < 3) continue;
    const name = text(zone.name);
    const counted = counts("zones", name);
    shapes.push({ kind: "zone", name, polygon, now: sum(counted.now), total: sum(counted.total) });
  }
  return shapes;
}

function gridOf(told: unknown): GridRegion | null {
  const grid = fields(told);
  const { x_start: left, y_start: top, step } = fields(grid.grid_data);
  if (typeof step !== "number" || !(step > 0)) return null;
  const rows = list(grid.occupation).map((row) =>
    list(row).map((value) => (typeof value === "number" ? value : 0)),
  );
  const velocity = list(grid.velocity).map((row) =>
    list(row).map((value) => point(value) ?? ([0, 0] as const)),
  );
  return {
    kind: "grid",
    left: typeof left === "number" ? left : 0,
    top: typeof top === "number" ? top : 0,
    stepPx: step,
    occupation: rows,
    velocity,
  };
}

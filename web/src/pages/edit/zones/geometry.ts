/** Lines and zones on a picture, in its pixels; y grows downwards. Nothing here knows of the page. */

export type Point = readonly [number, number];
export type Size = readonly [number, number];

/** Two points are a line, which has a direction; three or more the corners of a zone. */
export interface Shape {
  readonly kind: "line" | "zone";
  readonly name: string;
  readonly points: readonly Point[];
}

/** A shape as the `flux` stage writes it. */
export interface FluxLine {
  readonly name: string;
  readonly start: Point;
  readonly end: Point;
}
export interface FluxZone {
  readonly name: string;
  readonly polygon: readonly Point[];
}
export type Units = "px" | "fraction";

export interface Drawn {
  readonly lines: readonly FluxLine[];
  readonly zones: readonly FluxZone[];
}

/** Corners that a zone needs. */
export const LEAST_CORNERS = 3;

export function shapesOf(drawn: Drawn, units: Units, size: Size): Shape[] {
  const [width, height] = units === "fraction" ? size : [1, 1];
  const place = ([x, y]: Point): Point => [x * width, y * height];
  return [
    ...drawn.lines.map(
      ({ name, start, end }): Shape => ({ kind: "line", name, points: [place(start), place(end)] }),
    ),
    ...drawn.zones.map(
      ({ name, polygon }): Shape => ({ kind: "zone", name, points: polygon.map(place) }),
    ),
  ];
}

/** What to write into a `flux` stage for these shapes. */
export function drawnOf(shapes: readonly Shape[], units: Units, size: Size): Drawn {
  // A ten-thousandth of the picture is finer than a pixel of any camera.
  const [width, height, digits] = units === "fraction" ? [...size, 4] : [1, 1, 1];
  const place = ([x, y]: Point): Point => [rounded(x / width, digits), rounded(y / height, digits)];
  const lines: FluxLine[] = [];
  const zones: FluxZone[] = [];
  for (const { kind, name, points } of shapes) {
    const [start, end] = points;
    if (kind === "zone") zones.push({ name, polygon: points.map(place) });
    else if (start !== undefined && end !== undefined) {
      lines.push({ name, start: place(start), end: place(end) });
    }
  }
  return { lines, zones };
}

export function inside([x, y]: Point, [width, height]: Size): Point {
  return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
}

export function distance([ax, ay]: Point, [bx, by]: Point): number {
  return Math.hypot(ax - bx, ay - by);
}

/** With one of its points elsewhere, never outside of the picture. */
export function withPointAt(shape: Shape, index: number, to: Point, size: Size): Shape {
  const points = shape.points.map((point, i) => (i === index ? inside(to, size) : point));
  return { ...shape, points };
}

/** Moved as a whole, as far as the edges of the picture let it. */
export function movedBy(shape: Shape, [dx, dy]: Point, size: Size): Shape {
  const across = limited(
    dx,
    shape.points.map(([x]) => x),
    size[0],
  );
  const down = limited(
    dy,
    shape.points.map(([, y]) => y),
    size[1],
  );
  return { ...shape, points: shape.points.map(([x, y]) => [x + across, y + down]) };
}

/** Without one of its corners; null when what is left is no shape any more. */
export function withoutPoint(shape: Shape, index: number): Shape | null {
  if (shape.kind === "line" || shape.points.length <= LEAST_CORNERS) return null;
  return { ...shape, points: shape.points.filter((_, i) => i !== index) };
}

/** With one more corner behind the `after`th, in the middle of that side unless told where. */
export function withPointAfter(shape: Shape, after: number, at?: Point): Shape {
  const here = shape.points[after];
  const next = shape.points[(after + 1) % shape.points.length];
  if (shape.kind === "line" || here === undefined || next === undefined) return shape;
  const between = at ?? middle(here, next);
  return { ...shape, points: shape.points.toSpliced(after + 1, 0, between) };
}

export function middle([ax, ay]: Point, [bx, by]: Point): Point {
  return [(ax + bx) / 2, (ay + by) / 2];
}

/** Where "in" of a line is: a unit vector to the left of who looks from its start to its end. */
export function inward(start: Point, end: Point): Point {
  const length = distance(start, end);
  if (length === 0) return [0, -1];
  return [(end[1] - start[1]) / length, -(end[0] - start[0]) / length];
}

/** The other way round: what went in goes out. */
export function reversed(shape: Shape): Shape {
  return { ...shape, points: shape.points.toReversed() };
}

/** Where to write its name: the middle of a line, the centre of gravity of a zone. */
export function centre(points: readonly Point[]): Point {
  const [first, second] = points;
  if (first === undefined) return [0, 0];
  if (second === undefined) return first;
  if (points.length === 2) return middle(first, second);
  let area = 0;
  let x = 0;
  let y = 0;
  for (const [[ax, ay], [bx, by]] of sides(points)) {
    const cross = ax * by - bx * ay;
    area += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  if (Math.abs(area) < 1e-6) return mean(points);
  return [x / (3 * area), y / (3 * area)];
}

/** Whether two sides of a zone cross each other, which nobody means. */
export function crossesItself(points: readonly Point[]): boolean {
  const all = sides(points);
  return all.some(([a, b], i) =>
    all.some(([c, d], j) => {
      const apart = Math.abs(i - j);
      const neighbours = apart <= 1 || apart === all.length - 1;
      return !neighbours && cross(a, b, c, d);
    }),
  );
}

/** Whether these points may be kept: a line has a length, a zone an area. */
export function isWhole(shape: Shape): boolean {
  const [start, end] = shape.points;
  if (start === undefined || end === undefined) return false;
  if (shape.kind === "line") return distance(start, end) >= 1;
  return shape.points.length >= LEAST_CORNERS && Math.abs(area(shape.points)) >= 1;
}

/** `base`, or the first of `base 2`, `base 3`, … that nobody has. */
export function freeName(base: string, taken: readonly string[]): string {
  let name = base;
  for (let number = 2; taken.includes(name); number++) name = `${base} ${number}`;
  return name;
}

function area(points: readonly Point[]): number {
  return sides(points).reduce((sum, [[ax, ay], [bx, by]]) => sum + ax * by - bx * ay, 0) / 2;
}

function sides(points: readonly Point[]): [Point, Point][] {
  return points.map((point, i) => [point, points[(i + 1) % points.length] ?? point]);
}

function mean(points: readonly Point[]): Point {
  const x = points.reduce((sum, point) => sum + point[0], 0);
  const y = points.reduce((sum, point) => sum + point[1], 0);
  return [x / points.length, y / points.length];
}

function turn([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number {
  return Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
}

function cross(a: Point, b: Point, c: Point, d: Point): boolean {
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

/** How far coordinates may all go by `wanted` without leaving 0..`end`. */
function limited(wanted: number, coordinates: readonly number[], end: number): number {
  const least = Math.min(0, -Math.min(...coordinates));
  const most = Math.max(0, end - Math.max(...coordinates));
  return Math.min(Math.max(wanted, least), most);
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

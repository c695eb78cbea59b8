/** Draws lines, zones and grids. */

import { plate } from "./boxes";
import { colourOfNumber } from "./colour";
import type { Layers } from "./layers";
import type { GridRegion, LineRegion, Region, ZoneRegion } from "./regions";
import type { Surface } from "./surface";
import { holds, meet } from "./viewport";

const INK = "rgb(0 0 0 / 55%)";
/** A cell that is occupied all the time is as dark as this. */
const FULL = 0.34;

export function paintRegions(surface: Surface, regions: readonly Region[], layers: Layers): void {
  regions.forEach((region, i) => {
    // Far from the colours of the first tracks.
    const colour = colourOfNumber(i * 3 + 1.5);
    if (region.kind === "grid") {
      if (layers.grid) paintGrid(surface, region);
    } else if (layers.zones) {
      if (region.kind === "line") paintLine(surface, region, colour);
      else paintZone(surface, region, colour);
    }
  });
}

function stroke({ context, unit }: Surface, colour: string, widthPx: number): void {
  context.lineWidth = (widthPx + 2) * unit;
  context.strokeStyle = INK;
  context.stroke();
  context.lineWidth = widthPx * unit;
  context.strokeStyle = colour;
  context.stroke();
}

function paintLine(surface: Surface, line: LineRegion, colour: string): void {
  const { context, unit, x, y } = surface;
  const named = holds(surface.seen, line.start);
  const [ax, ay, bx, by] = [x(line.start[0]), y(line.start[1]), x(line.end[0]), y(line.end[1])];
  const long = Math.hypot(bx - ax, by - ay);
  if (long === 0) return;
  context.beginPath();
  context.moveTo(ax, ay);
  context.lineTo(bx, by);
  stroke(surface, colour, 2.5);
  context.beginPath();
  for (const [px, py] of [
    [ax, ay],
    [bx, by],
  ] as const) {
    context.moveTo(px + 4 * unit, py);
    context.arc(px, py, 4 * unit, 0, 2 * Math.PI);
  }
  context.fillStyle = colour;
  context.fill();
  if (named) plate(surface, line.name, ax + 6 * unit, ay, colour, "above");
  const between = [(line.start[0] + line.end[0]) / 2, (line.start[1] + line.end[1]) / 2] as const;
  if (!holds(surface.seen, between)) return;
  // To the left of who looks from start to end: y grows downwards.
  const [leftX, leftY] = [(by - ay) / long, -(bx - ax) / long];
  const middle = [(ax + bx) / 2, (ay + by) / 2] as const;
  if (line.in !== null) arrow(surface, middle, [leftX, leftY], line.in, colour);
  if (line.out !== null) arrow(surface, middle, [-leftX, -leftY], line.out, colour);
}

/** An arrow away from the line, and how many went that way. */
function arrow(
  surface: Surface,
  [fromX, fromY]: readonly [number, number],
  [dx, dy]: readonly [number, number],
  count: number,
  colour: string,
): void {
  const { context, unit, small } = surface;
  const at = (along: number, aside: number) =>
    [fromX + (dx * along - dy * aside) * unit, fromY + (dy * along + dx * aside) * unit] as const;
  context.beginPath();
  context.moveTo(...at(5, 0));
  context.lineTo(...at(20, 0));
  context.moveTo(...at(14, -5));
  context.lineTo(...at(20, 0));
  context.lineTo(...at(14, 5));
  stroke(surface, colour, 2);
  const [x, y] = at(small ? 29 : 34, 0);
  const words = String(count);
  const wide = context.measureText(words).width;
  plate(surface, words, x - wide / 2 - 3 * unit, y - (small ? 7 : 9) * unit, colour, "below");
}

function paintZone(surface: Surface, zone: ZoneRegion, colour: string): void {
  const { context, unit, x, y } = surface;
  context.beginPath();
  zone.polygon.forEach(([px, py], i) => {
    if (i === 0) context.moveTo(x(px), y(py));
    else context.lineTo(x(px), y(py));
  });
  context.closePath();
  context.globalAlpha = zone.now !== null && zone.now > 0 ? 0.26 : 0.13;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
  stroke(surface, colour, 2);
  const words = [zone.name];
  if (zone.now !== null) words.push(String(zone.now));
  if (zone.total !== null) words.push(`Σ ${zone.total}`);
  const left = Math.min(...zone.polygon.map(([px]) => px));
  const top = Math.min(...zone.polygon.map(([, py]) => py));
  const right = Math.max(...zone.polygon.map(([px]) => px));
  const bottom = Math.max(...zone.polygon.map(([, py]) => py));
  if (!meet([left, top, right, bottom], surface.seen)) return;
  const corner = zone.polygon.find(([, py]) => py === top) ?? [left, top];
  plate(surface, words.join(" · "), x(corner[0]) + unit, y(top), colour, "above");
}

function paintGrid(surface: Surface, grid: GridRegion): void {
  const { context, unit, x, y, across, down } = surface;
  grid.occupation.forEach((row, j) => {
    row.forEach((percent, i) => {
      const left = x(grid.left + i * grid.stepPx);
      const top = y(grid.top + j * grid.stepPx);
      const [wide, tall] = [across(grid.stepPx), down(grid.stepPx)];
      if (percent > 0) {
        context.globalAlpha = 0.04 + Math.min(percent / 100, 1) * (FULL - 0.04);
        context.fillStyle = "#ff8a1f";
        context.fillRect(left, top, wide, tall);
      }
      const [vx, vy] = grid.velocity[j]?.[i] ?? [0, 0];
      const speed = Math.hypot(vx, vy);
      if (speed < 1) return;
      // As long as the way of half a second, and never out of the cell.
      const long = Math.min(across(speed / 2), wide * 0.42);
      context.globalAlpha = 0.9;
      vector(surface, left + wide / 2, top + tall / 2, (vx / speed) * long, (vy / speed) * long);
    });
  });
  context.globalAlpha = 0.22;
  context.strokeStyle = "#ffffff";
  context.lineWidth = unit / 2;
  context.beginPath();
  const right = grid.left + grid.stepPx * (grid.occupation[0]?.length ?? 0);
  const bottom = grid.top + grid.stepPx * grid.occupation.length;
  for (let at = grid.left; at <= right; at += grid.stepPx) {
    context.moveTo(x(at), y(grid.top));
    context.lineTo(x(at), y(bottom));
  }
  for (let at = grid.top; at <= bottom; at += grid.stepPx) {
    context.moveTo(x(grid.left), y(at));
    context.lineTo(x(right), y(at));
  }
  context.stroke();
  context.globalAlpha = 1;
}

function vector({ context, unit }: Surface, x: number, y: number, dx: number, dy: number): void {
  context.strokeStyle = "#ffffff";
  context.lineWidth = 1.5 * unit;
  context.beginPath();
  context.moveTo(x - dx / 2, y - dy / 2);
  context.lineTo(x + dx / 2, y + dy / 2);
  context.moveTo(x + dx / 2 - dx / 4 - dy / 6, y + dy / 2 - dy / 4 + dx / 6);
  context.lineTo(x + dx / 2, y + dy / 2);
  context.lineTo(x + dx / 2 - dx / 4 + dy / 6, y + dy / 2 - dy / 4 - dx / 6);
  context.stroke();
}

/** Boxes, keypoints and words on objects. */

import type { DetectedObject } from "../client";
import { colourOf } from "./colour";
import type { Layers } from "./layers";
import type { Surface } from "./surface";
import { meet, type Size } from "./viewport";
import { describe, nameOf } from "./words";

/** `ahead`: no detector has looked at this picture yet, the boxes are estimates. */
export function paintObjects(
  surface: Surface,
  objects: readonly DetectedObject[],
  layers: Layers,
  ahead: boolean,
): void {
  const { context, unit } = surface;
  // Words on those outside would gather at the edges.
  const seen = objects.filter(({ box }) => meet(box, surface.seen));
  for (const object of seen) {
    const colour = colourOf(object, layers.colourBy);
    // Dashes tell that no detector has looked here: the analysis is behind, or on purpose.
    const guessed = ahead || object.predicted === true;
    context.setLineDash(guessed ? [6 * unit, 4 * unit] : []);
    if (layers.boxes) outline(surface, object, colour);
    context.setLineDash([]);
    // Where an object was between frames is known of its box only.
    if (layers.keypoints && !ahead) keypoints(surface, object, colour);
  }
  for (const object of seen) {
    const colour = colourOf(object, layers.colourBy);
    const [left, top, , bottom] = object.box;
    if (layers.labels) {
      const sure = layers.confidence ? ` ${Math.round(object.confidence * 100)} %` : "";
      plate(surface, nameOf(object) + sure, surface.x(left), surface.y(top), colour, "above");
    }
    const words = layers.attributes ? describe(object) : "";
    if (words !== "") plate(surface, words, surface.x(left), surface.y(bottom), colour, "below");
  }
}

function outline(surface: Surface, object: DetectedObject, colour: string): void {
  const { context, unit, x, y, across, down } = surface;
  const [left, top, right, bottom] = object.box;
  context.beginPath();
  context.roundRect(x(left), y(top), across(right - left), down(bottom - top), 3 * unit);
  context.lineWidth = 4 * unit;
  context.strokeStyle = "rgb(0 0 0 / 45%)";
  context.stroke();
  context.lineWidth = 2 * unit;
  context.strokeStyle = colour;
  context.stroke();
}

function keypoints({ context, unit, x, y }: Surface, object: DetectedObject, colour: string): void {
  if (object.keypoints === undefined || object.keypoints.length === 0) return;
  context.beginPath();
  for (const [pointX, pointY] of object.keypoints) {
    context.moveTo(x(pointX) + 2.5 * unit, y(pointY));
    context.arc(x(pointX), y(pointY), 2.5 * unit, 0, 2 * Math.PI);
  }
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = unit;
  context.strokeStyle = "rgb(0 0 0 / 60%)";
  context.stroke();
}

/** Of a plate, in pixels of the canvas. */
export function plateSize({ context, unit, small }: Surface, text: string): Size {
  return [context.measureText(text).width + 8 * unit, (small ? 14 : 18) * unit];
}

/**
 * Words on a plate that begins at `x`, above or below `y`, and never leaves the picture.
 * Above: ink on colour. Below and inside: colour on ink.
 */
export function plate(
  surface: Surface,
  text: string,
  x: number,
  y: number,
  colour: string,
  side: "above" | "below" | "inside",
): void {
  const { context, width, height, unit } = surface;
  const [wide, tall] = plateSize(surface, text);
  const left = Math.max(0, Math.min(x - unit, width - wide));
  const above = side === "above" ? y - tall >= 0 : side === "below" && y + tall > height;
  const top = Math.max(0, Math.min(above ? y - tall : y, height - tall));
  context.beginPath();
  context.roundRect(left, top, wide, tall, 3 * unit);
  context.fillStyle = side === "above" ? colour : "rgb(16 20 24 / 78%)";
  context.fill();
  context.fillStyle = side === "above" ? "#101418" : colour;
  context.fillText(text, left + 4 * unit, top + tall / 2 + unit / 2);
}

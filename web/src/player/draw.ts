/** All that is drawn over a picture, on a canvas that lies over it. */

import type { Mask } from "../client";
import { paintObjects } from "./boxes";
import type { Layers } from "./layers";
import { paintMask } from "./mask";
import { paintRegions } from "./paint-regions";
import { paintLandmarks, paintPoses } from "./points";
import type { Pose } from "./poses";
import type { Region } from "./regions";
import { type Context, type Surface, surfaceOf } from "./surface";
import type { Drawing } from "./timeline";
import { paintTrails, type Trail } from "./trails";

export { sizeToScreen } from "./surface";

/** A drawing, and what belongs to more than its own frame. */
export interface Scene extends Drawing {
  poses?: readonly Pose[];
  trails?: readonly Trail[];
  regions?: readonly Region[];
}

/** On a canvas on the screen, in the sizes of its page. */
export function draw(canvas: HTMLCanvasElement, scene: Scene, layers: Layers): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  paint(
    context,
    canvas.width,
    canvas.height,
    canvas.width / (canvas.clientWidth || 1),
    scene,
    layers,
  );
}

/** On a part of any canvas; `unit` is how many of its pixels a line of one CSS pixel takes. */
export function paint(
  context: Context,
  width: number,
  height: number,
  unit: number,
  scene: Scene,
  layers: Layers,
): void {
  if (scene.result === null) return;
  const surface = surfaceOf(context, width, height, unit, scene.result.size_px);
  context.save();
  context.font = `600 ${(surface.small ? 10 : 12) * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  paintScene(surface, scene, layers, scene.mask ?? null);
  context.restore();
}

/** What covers much lies below what covers little. */
function paintScene(surface: Surface, scene: Scene, layers: Layers, mask: Mask | null): void {
  if (layers.mask && mask !== null) paintMask(surface, mask);
  paintRegions(surface, scene.regions ?? [], layers);
  if (layers.trails) paintTrails(surface, scene.trails ?? [], layers);
  paintPoses(surface, scene.poses ?? [], layers);
  paintLandmarks(surface, scene.landmarks, layers);
  paintObjects(surface, scene.objects, layers, scene.kind === "ahead");
}

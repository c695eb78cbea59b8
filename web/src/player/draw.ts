/** All that is drawn over a picture, on a canvas that lies over it. */

import { paintObjects } from "./boxes";
import type { Layers } from "./layers";
import { paintMask } from "./mask";
import { paintRegions } from "./paint-regions";
import { paintDim, paintViewports } from "./paint-viewports";
import { paintLandmarks, paintPoses } from "./points";
import type { Pose } from "./poses";
import type { Region } from "./regions";
import { type Context, type Surface, surfaceOf } from "./surface";
import type { Drawing } from "./timeline";
import { paintTrails, type Trail } from "./trails";
import { type Size, shownIn } from "./viewport";

export { sizeToScreen } from "./surface";

/** A drawing, and what belongs to more than its own frame. */
export interface Scene extends Drawing {
  poses?: readonly Pose[];
  trails?: readonly Trail[];
  regions?: readonly Region[];
  /** The virtual camera that the picture is seen by; null or nothing: it is the whole frame. */
  camera?: string | null;
  /** What is written at the frame of each camera. */
  cameraWords?: Readonly<Record<string, string>>;
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
  const shown = scene.camera == null ? undefined : scene.viewports[scene.camera];
  const placing = shown === undefined ? undefined : shownIn(shown.box, [width, height]);
  const surface = surfaceOf(context, width, height, unit, scene.result.size_px, placing);
  context.save();
  if (shown !== undefined) clipTo(surface);
  context.font = `600 ${(surface.small ? 10 : 12) * unit}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  paintScene(surface, scene, layers, scene.result.size_px);
  context.restore();
}

/** Beside what is seen there is padding, on which nothing was found. */
function clipTo({ context, x, y, seen }: Surface): void {
  context.beginPath();
  context.rect(x(seen[0]), y(seen[1]), x(seen[2]) - x(seen[0]), y(seen[3]) - y(seen[1]));
  context.clip();
}

/** What covers much lies below what covers little. */
function paintScene(surface: Surface, scene: Scene, layers: Layers, framePx: Size): void {
  const whole = scene.camera == null;
  if (layers.viewport && whole) paintDim(surface, scene.viewports);
  if (layers.mask && scene.mask !== null) paintMask(surface, scene.mask, framePx);
  paintRegions(surface, scene.regions ?? [], layers);
  if (layers.trails) paintTrails(surface, scene.trails ?? [], layers);
  paintPoses(surface, scene.poses ?? [], layers);
  paintLandmarks(surface, scene.landmarks, layers);
  paintObjects(surface, scene.objects, layers, scene.kind === "ahead");
  if (layers.viewport && whole) paintViewports(surface, scene.viewports, scene.cameraWords);
}

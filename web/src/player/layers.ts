/** What is drawn over the picture, and in which colours. */

export interface Layers {
  boxes: boolean;
  /** Class and track above each box. */
  labels: boolean;
  /** The detector's confidence, with the label. */
  confidence: boolean;
  /** What descriptors tell, below each box. */
  attributes: boolean;
  /** Where each track has been, fading. */
  trails: boolean;
  /** Points that a detector gives with its boxes. */
  keypoints: boolean;
  body: boolean;
  hands: boolean;
  face: boolean;
  /** Where persons are. */
  mask: boolean;
  /** Lines and zones of `flux`, with their counts. */
  zones: boolean;
  /** Cells of `flux`. */
  grid: boolean;
  /** What virtual cameras show, on the wide shot. */
  viewport: boolean;
  colourBy: "track" | "class";
}

export type LayerName = Exclude<keyof Layers, "colourBy">;

export const LAYER_NAMES: readonly LayerName[] = [
  "boxes",
  "labels",
  "confidence",
  "attributes",
  "trails",
  "keypoints",
  "body",
  "hands",
  "face",
  "mask",
  "zones",
  "grid",
  "viewport",
];

export const DEFAULT_LAYERS: Layers = {
  boxes: true,
  labels: true,
  confidence: false,
  attributes: true,
  trails: true,
  keypoints: true,
  body: true,
  hands: true,
  face: true,
  mask: true,
  zones: true,
  grid: true,
  viewport: true,
  colourBy: "track",
};

/** Layers as they were kept; what cannot be read, or is new, is as by default. */
export function layersFrom(text: string | null): Layers {
  const layers = { ...DEFAULT_LAYERS };
  if (text === null) return layers;
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    return layers;
  }
  if (typeof kept !== "object" || kept === null) return layers;
  const values = new Map<string, unknown>(Object.entries(kept));
  for (const name of LAYER_NAMES) {
    const value = values.get(name);
    if (typeof value === "boolean") layers[name] = value;
  }
  const colourBy = values.get("colourBy");
  if (colourBy === "track" || colourBy === "class") layers.colourBy = colourBy;
  return layers;
}

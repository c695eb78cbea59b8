/** How a person likes to watch, kept in this browser. */

import { DEFAULT_LAYERS, type LayerName, type Layers, layersFrom } from "../../player/layers";
import type { Timing } from "../../player/player";

const LAYERS = "livelens.layers";
const TIMING = "livelens.timing";

class ViewerSettings {
  #layers = $state.raw<Layers>(layersFrom(localStorage.getItem(LAYERS)));
  #timing = $state<Timing>(localStorage.getItem(TIMING) === "live" ? "live" : "exact");

  get layers(): Layers {
    return this.#layers;
  }

  get timing(): Timing {
    return this.#timing;
  }

  set timing(timing: Timing) {
    this.#timing = timing;
    localStorage.setItem(TIMING, timing);
  }

  toggle(layer: LayerName): void {
    this.#keep({ ...this.#layers, [layer]: !this.#layers[layer] });
  }

  set colourBy(by: Layers["colourBy"]) {
    this.#keep({ ...this.#layers, colourBy: by });
  }

  reset(): void {
    this.#keep(DEFAULT_LAYERS);
  }

  #keep(layers: Layers): void {
    this.#layers = layers;
    localStorage.setItem(LAYERS, JSON.stringify(layers));
  }
}

export const settings = new ViewerSettings();

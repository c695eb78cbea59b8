import type { Drawn, PlayerStats } from "./player/player";

declare global {
  /** What the viewer shows, for tests and for the curious. */
  var livelens: { drawn(): Drawn | null; stats(): PlayerStats | null } | undefined;
}

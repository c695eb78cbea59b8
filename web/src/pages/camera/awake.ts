/** Keeps the screen on while a camera is sent: a phone that locks stops its camera. */

export class Awake {
  #lock: WakeLockSentinel | null = null;
  #wanted = false;

  constructor() {
    // The browser takes the lock away whenever the page is hidden.
    document.addEventListener("visibilitychange", () => void this.#hold());
  }

  keep(wanted: boolean): void {
    this.#wanted = wanted;
    void this.#hold();
  }

  async #hold(): Promise<void> {
    if (!this.#wanted) {
      await this.#lock?.release();
      this.#lock = null;
      return;
    }
    if (document.hidden || (this.#lock !== null && !this.#lock.released)) return;
    try {
      this.#lock = (await navigator.wakeLock?.request("screen")) ?? null;
      if (!this.#wanted) await this.#lock?.release();
    } catch {
      // Refused with a low battery: the camera is sent as long as the screen is on.
    }
  }
}

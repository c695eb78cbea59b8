/** Who uses the page, and what he may. */

import {
  type Action,
  ApiError,
  allows,
  type SessionInfo,
  sessionInfo,
  Unreachable,
} from "../client";
import { api } from "./server";

export type { Action, Grant, SessionInfo } from "../client";

// Timers hold no more; and a clock may be set meanwhile.
const LONGEST_MS = 3_600_000;

class Session {
  /** null until the server has answered for the first time. */
  #info = $state.raw<SessionInfo | null>(null);
  #unreachable = $state(false);
  #unavailable = $state("");
  #timer: ReturnType<typeof setTimeout> | undefined;

  get info(): SessionInfo | null {
    return this.#info;
  }

  get unreachable(): boolean {
    return this.#unreachable;
  }

  /** Why the server cannot tell at present who asks; "" while it can. */
  get unavailable(): string {
    return this.#unavailable;
  }

  /** Asks the server. Keeps what was known while it does not answer. */
  async renew(): Promise<void> {
    try {
      this.take(await sessionInfo(api));
    } catch (error) {
      this.#unreachable = error instanceof Unreachable;
      this.#unavailable = error instanceof ApiError ? error.message : "";
      if (!(error instanceof Unreachable || error instanceof ApiError)) throw error;
    }
  }

  take(info: SessionInfo): void {
    this.#info = info;
    this.#unreachable = false;
    this.#unavailable = "";
    this.#watchClock(info);
  }

  /** A call was answered 401: the session has ended. The server knows why. */
  lose(): void {
    if (!this.#info?.signed_in) return;
    this.#info = { ...this.#info, signed_in: false, admin: false, grants: [], fault: "ended" };
    void this.renew();
  }

  /** Without a stream: whether for any. */
  may(action: Action, stream?: string): boolean {
    const info = this.#info;
    if (info === null || !info.signed_in) return false;
    return info.admin || allows(info.grants, action, stream);
  }

  /** On every stream, those to come too. */
  mayEverywhere(action: Action): boolean {
    const info = this.#info;
    if (info === null || !info.signed_in) return false;
    return (
      info.admin ||
      allows(
        info.grants.filter(({ stream }) => /^\*+$/.test(stream)),
        action,
      )
    );
  }

  #watchClock(info: SessionInfo): void {
    clearTimeout(this.#timer);
    if (!info.signed_in || info.expires_unix_s === null) return;
    const leftMs = info.expires_unix_s * 1000 - Date.now() + 1000;
    // At the least a minute: this clock may be ahead of the server's.
    const waitMs = Math.min(LONGEST_MS, leftMs > 0 ? leftMs : 60_000);
    this.#timer = setTimeout(() => void this.renew(), waitMs);
  }
}

export const session = new Session();

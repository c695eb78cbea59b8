/** Who uses the page, and what he may. */

import { ApiError, Unreachable } from "../client";
import { api } from "./server";

export type Action = "view" | "publish" | "control";

export interface Grant {
  /** A glob pattern of stream ids. */
  stream: string;
  actions: readonly Action[];
}

export interface SessionInfo {
  signed_in: boolean;
  name: string;
  kind: string;
  admin: boolean;
  grants: readonly Grant[];
  expires_unix_s: number | null;
}

const EVERYTHING: SessionInfo = {
  signed_in: true,
  name: "",
  kind: "local",
  admin: true,
  grants: [],
  expires_unix_s: null,
};

class Session {
  /** null until the server has answered for the first time. */
  #info = $state.raw<SessionInfo | null>(null);
  #unreachable = $state(false);

  get info(): SessionInfo | null {
    return this.#info;
  }

  get unreachable(): boolean {
    return this.#unreachable;
  }

  /** Asks the server. Keeps what was known while it does not answer. */
  async renew(): Promise<void> {
    try {
      const response = await api.request("api/session");
      this.#info = (await response.json()) as SessionInfo;
      this.#unreachable = false;
    } catch (error) {
      if (error instanceof Unreachable) this.#unreachable = true;
      else if (error instanceof ApiError && error.status === 404) this.#info = EVERYTHING;
      else throw error;
    }
  }

  take(info: SessionInfo): void {
    this.#info = info;
  }

  /** A call was answered 401: the session has ended. */
  lose(): void {
    if (this.#info?.signed_in) this.#info = { ...this.#info, signed_in: false, admin: false };
  }

  /** Without a stream: whether for any. */
  may(action: Action, stream?: string): boolean {
    const info = this.#info;
    if (info === null || !info.signed_in) return false;
    if (info.admin) return true;
    return info.grants.some(
      (grant) =>
        (stream === undefined || matches(grant.stream, stream)) &&
        (grant.actions.includes(action) ||
          (action === "view" && grant.actions.includes("control"))),
    );
  }
}

export const session = new Session();

function matches(pattern: string, stream: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(stream);
}

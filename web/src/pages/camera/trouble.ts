/** Everything that can keep a camera from being sent; the words for it are in `strings`. */

import { ApiError, NoCodec, NoConnection, Unreachable } from "../../client";
import { DeviceFault, type FaultKind } from "./device";

export type TroubleKind =
  | FaultKind
  | "microphone"
  | "name"
  | "taken"
  | "elsewhere"
  | "stopped"
  | "forbidden"
  | "signedOut"
  | "removed"
  | "preset"
  | "codec"
  | "full"
  | "tooMany"
  | "unreachable"
  | "noPath"
  | "server";

export interface Trouble {
  kind: TroubleKind;
  /** What the server or the browser itself said. */
  why: string;
}

const BY_STATUS: Readonly<Record<number, TroubleKind>> = {
  400: "codec",
  401: "signedOut",
  403: "forbidden",
  404: "preset",
  409: "taken",
  429: "tooMany",
  503: "full",
};

export function troubleOf(error: unknown): Trouble {
  const why = error instanceof Error ? error.message : String(error);
  if (error instanceof DeviceFault) return { kind: error.kind, why: error.detail };
  if (error instanceof Unreachable) return { kind: "unreachable", why };
  if (error instanceof NoConnection) return { kind: "noPath", why };
  if (error instanceof NoCodec) return { kind: "codec", why };
  if (!(error instanceof ApiError)) return { kind: "server", why };
  if (error.status === 409) {
    // A stream from a file or a network camera has the name, or one that rests.
    if (why.includes("elsewhere")) return { kind: "elsewhere", why };
    if (why.includes("stopped")) return { kind: "stopped", why };
  }
  return { kind: BY_STATUS[error.status] ?? "server", why };
}

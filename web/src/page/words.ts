/** Faults in plain words. */

import { ApiError, Unreachable } from "../client";

/** What went wrong with the server, and what to do. */
export function serverFault(error: unknown): string {
  if (error instanceof Unreachable) return "The server does not answer. Trying again…";
  if (error instanceof ApiError) {
    if (error.status === 401 || error.status === 403) return "The server wants an access token.";
    if (error.status === 404) return "This stream is not there.";
    if (error.status === 429) return "Too many requests at once. Trying again…";
    if (error.status === 503) {
      const when = error.retryAfterS === null ? "soon" : `in ${error.retryAfterS} s`;
      return `The server is full. Trying again ${when}…`;
    }
    return error.message;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Why there is no camera, and what to do. */
export function cameraFault(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotFoundError":
    case "OverconstrainedError":
      return "No camera was found on this device.";
    case "NotAllowedError":
    case "SecurityError":
      return "The browser was not allowed to use the camera. Allow it for this page and try again.";
    case "NotReadableError":
    case "AbortError":
      return "The camera cannot be opened. Another program may be using it.";
    default:
      return "The camera cannot be opened.";
  }
}

/** null when this page may ask for a camera. */
export function cameraHindrance(): string | null {
  if (!globalThis.isSecureContext) {
    return "Browsers give a camera only to secure pages. Open this page by https, or on the server itself at http://localhost.";
  }
  if (navigator.mediaDevices === undefined) return "This browser has no access to cameras.";
  return null;
}

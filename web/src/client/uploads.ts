/** Clips that are uploaded, to be sources of streams. */

import type { Api } from "./api";
import { ApiError, Unreachable } from "./errors";

export interface UploadInfo {
  /** May differ from the one that was asked for. */
  name: string;
  /** What to give as the source of a stream. */
  source: string;
  size_bytes: number;
  duration_s: number | null;
  size_px: readonly [number, number] | null;
  fps: number | null;
  codec: string | null;
  /** Ids of those that play it. */
  streams: readonly string[];
}

export interface UploadList {
  uploads: readonly UploadInfo[];
  max_bytes: number;
  max_total_bytes: number;
  free_bytes: number;
}

export interface UploadOptions {
  /** From 0 to 1, as far as it has been sent. */
  onProgress?: (part: number) => void;
  /** Breaks it off; the server keeps nothing then. */
  signal?: AbortSignal;
}

/** Throws `ApiError` or `Unreachable`. */
export async function uploads(api: Api, signal?: AbortSignal): Promise<UploadList> {
  const response = await api.request("api/uploads", signal ? { signal } : {});
  return (await response.json()) as UploadList;
}

/** Throws `ApiError` or `Unreachable`. */
export async function removeUpload(api: Api, name: string): Promise<void> {
  await api.request(`api/uploads/${encodeURIComponent(name)}`, { method: "DELETE" });
}

/**
 * Sends a file, and waits until the server has looked at it.
 * Throws `ApiError`, `Unreachable`, or the signal's reason.
 */
export function upload(
  api: Api,
  file: Blob,
  name: string,
  { onProgress, signal }: UploadOptions = {},
): Promise<UploadInfo> {
  // Not fetch: it tells nothing of what has been sent.
  const request = new XMLHttpRequest();
  return new Promise<UploadInfo>((resolve, reject) => {
    const abort = () => {
      request.abort();
      reject(signal?.reason);
    };
    if (signal?.aborted) {
      abort();
      return;
    }
    signal?.addEventListener("abort", abort);
    request.upload.onprogress = (event) => {
      if (event.total > 0) onProgress?.(event.loaded / event.total);
    };
    request.onload = () => {
      if (request.status === 201) resolve(request.response as UploadInfo);
      else reject(refusal(request));
    };
    request.onerror = () => reject(new Unreachable());
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    request.responseType = "json";
    request.open("PUT", api.url(`api/uploads/${encodeURIComponent(name)}`));
    for (const [header, value] of api.headers()) request.setRequestHeader(header, value);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.send(file);
  });
}

function refusal(request: XMLHttpRequest): ApiError {
  const body: unknown = request.response;
  const told = typeof body === "object" && body !== null && "error" in body;
  const message = told ? String(body.error) : `The server answered ${request.status}.`;
  const retryAfter = Number.parseInt(request.getResponseHeader("Retry-After") ?? "", 10);
  return new ApiError(request.status, message, Number.isNaN(retryAfter) ? null : retryAfter);
}

/** HTTP with the server: addresses, the token, and errors in plain words. */

import { ApiError, Unreachable } from "./errors";
import type { StreamInfo } from "./types";

export class Api {
  #token: string | null;
  #iceServers: Promise<RTCIceServer[]> | null = null;
  readonly #unended = new Set<string>();

  /** `base` is the address that the page lies at, with a slash at its end. */
  constructor(
    readonly base: string,
    token: string | null = null,
  ) {
    this.#token = token;
  }

  set token(token: string | null) {
    this.#token = token;
    this.#iceServers = null;
  }

  url(path: string): string {
    return new URL(path, this.base).href;
  }

  /** These headers, and what shows who asks. */
  headers(given?: HeadersInit): Headers {
    const headers = new Headers(given);
    if (this.#token !== null) headers.set("Authorization", `Bearer ${this.#token}`);
    return headers;
  }

  /** Throws `Unreachable` or `ApiError`; the body has not been read. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = this.headers(init.headers);
    let response: Response;
    try {
      response = await fetch(this.url(path), { ...init, headers, cache: "no-store" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Unreachable();
    }
    if (!response.ok) throw await refusal(response);
    return response;
  }

  async streams(signal?: AbortSignal): Promise<StreamInfo[]> {
    const response = await this.request("api/streams", signal ? { signal } : {});
    const body = (await response.json()) as { streams: StreamInfo[] };
    return body.streams;
  }

  async remove(stream: string): Promise<void> {
    await this.request(`api/streams/${encodeURIComponent(stream)}`, { method: "DELETE" });
  }

  /** Ends a session, also while the page goes away. */
  end(resource: string): void {
    this.#unended.add(resource);
    void this.#tryToEnd(resource);
  }

  /** Ends what could not be ended while there was no network: it may hold a stream's name. */
  async endLeft(): Promise<void> {
    await Promise.all([...this.#unended].map((resource) => this.#tryToEnd(resource)));
  }

  async #tryToEnd(resource: string): Promise<void> {
    try {
      await this.request(resource, { method: "DELETE", keepalive: true });
    } catch (error) {
      // The server ends a session by itself, some time after its peer is gone.
      if (error instanceof Unreachable) return;
    }
    this.#unended.delete(resource);
  }

  /** STUN and TURN servers, which WHIP and WHEP servers name in answers to OPTIONS. */
  iceServers(path: string): Promise<RTCIceServer[]> {
    this.#iceServers ??= this.request(path, { method: "OPTIONS" }).then(
      (response) => iceServersIn(response.headers.get("Link") ?? ""),
      () => {
        // The offer will meet the same fault and tell it; ask again for the next one.
        this.#iceServers = null;
        return [];
      },
    );
    return this.#iceServers;
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const retryAfter = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  let message = response.statusText || `The server answered ${response.status}.`;
  try {
    const body: unknown = await response.json();
    if (typeof body === "object" && body !== null && "error" in body) message = String(body.error);
  } catch {
    // Not JSON, from a proxy say: the status line has to do.
  }
  return new ApiError(response.status, message, Number.isNaN(retryAfter) ? null : retryAfter);
}

/** `<turn:host>; rel="ice-server"; username="u"; credential="c"`, comma separated. */
export function iceServersIn(link: string): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  for (const entry of link.matchAll(/<([^>]+)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^\s;,]+))*)/g)) {
    const [, url = "", rest = ""] = entry;
    const fields = new Map<string, string>();
    for (const [, name = "", quoted, bare] of rest.matchAll(
      /;\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s;,]+))/g,
    )) {
      fields.set(name.toLowerCase(), quoted ?? bare ?? "");
    }
    if (fields.get("rel") !== "ice-server") continue;
    const username = fields.get("username");
    const credential = fields.get("credential");
    servers.push({
      urls: url,
      ...(username === undefined ? {} : { username }),
      ...(credential === undefined ? {} : { credential }),
    });
  }
  return servers;
}

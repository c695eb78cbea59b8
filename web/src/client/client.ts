/** A Livelens server, seen from a page. */

import { Api } from "./api";
import type { LinkOptions } from "./keep";
import { Publisher, type PublisherOptions } from "./publisher";
import { follow } from "./reading";
import { type Chosen, resultsPath } from "./results";
import type { Problem, Result, State, StreamInfo } from "./types";
import { Viewer, type ViewerOptions } from "./viewer";

/** Where the server is, and what it is shown. */
export interface ConnectOptions {
  /** The server's address, below a path too: `https://camera.example/lens/`. */
  url: string | URL;
  /** An access token; not needed for a page of the server itself that has signed in. */
  token?: string | null | undefined;
}

/** Which results, and until when. */
export interface ResultsOptions extends Chosen, LinkOptions {}

/** What a page can do with a server. Nothing is sent before the first call. */
export class LivelensClient {
  /** Plain requests, for what has no method here. */
  readonly api: Api;

  /** Made by `connect`. */
  constructor({ url, token = null }: ConnectOptions) {
    const base = new URL(url);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    this.api = new Api(base.href, token);
  }

  /** All streams that you may see. Throws `ApiError` or `Unreachable`. */
  streams(signal?: AbortSignal): Promise<StreamInfo[]> {
    return this.api.streams(signal);
  }

  /**
   * Sends a camera, or any other media, to a stream; one that is not there is made from a preset.
   *
   * @example
   * const media = await navigator.mediaDevices.getUserMedia({ video: true });
   * const publisher = client.publish("door", media, { preset: "faces", onState: console.log });
   * // later
   * publisher.close();
   */
  publish(stream: string, media: MediaStream, options: PublisherOptions = {}): Publisher {
    return new Publisher(this.api, stream, media, options);
  }

  /**
   * Watches a stream, and gets its results by the same connection.
   *
   * @example
   * const viewer = client.watch("door", { onMessage: (message) => console.log(message) });
   * document.querySelector("video").srcObject = viewer.media; // `muted`, until somebody clicks
   */
  watch(stream: string, options: ViewerOptions = {}): Viewer {
    return new Viewer(this.api, stream, options);
  }

  /**
   * Results without the video.
   *
   * @example
   * for await (const result of client.results("door", { class: "person" })) {
   *   console.log(result.objects.length);
   * }
   */
  async *results(stream: string, options: ResultsOptions = {}): AsyncGenerator<Result, void, void> {
    for await (const message of follow(this.api, resultsPath(stream, options), options)) {
      if (message.type === "result") yield message;
    }
  }

  /** States and problems of all streams that you may see. */
  async *events(options: LinkOptions = {}): AsyncGenerator<State | Problem, void, void> {
    for await (const message of follow(this.api, "api/events", options)) {
      if (message.type !== "result") yield message;
    }
  }
}

/**
 * A client of the server at this address.
 *
 * @example
 * const client = connect({ url: "http://127.0.0.1:8080", token: "…" });
 */
export function connect(options: ConnectOptions): LivelensClient {
  return new LivelensClient(options);
}

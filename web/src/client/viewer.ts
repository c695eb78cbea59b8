/** A stream that is being watched, whatever the network does. */

import type { Api } from "./api";
import { Link, type LinkOptions, type LinkState } from "./keep";
import type { Chosen } from "./results";
import type { Message } from "./types";
import { type Viewing, watch } from "./watch";

/** How `LivelensClient.watch` watches. */
export interface ViewerOptions extends Chosen, LinkOptions {
  /** `main` (nothing drawn on it; the default), `annotated` (boxes drawn), or a rendition of yours. */
  rendition?: string | undefined;
  /** Whether results come too; by default when there is `onMessage` to take them. */
  results?: boolean | undefined;
  /** False asks for no sound; by default it is among the tracks of `media`. */
  sound?: boolean | undefined;
  /** Gets results, states and problems of the stream as they come. */
  onMessage?: ((message: Message) => void) | undefined;
  /** Gets each session that comes to stand: the first, and one after every loss. */
  onSession?: ((session: Viewing) => void) | undefined;
}

/** A stream that is watched until it is closed: after a loss it connects again. */
export class Viewer {
  /**
   * Give it to a `<video>` once: its tracks are exchanged when the connection is made anew.
   * Browsers play sound only after a click: begin with `<video muted>`, or without `sound`.
   */
  readonly media = new MediaStream();
  #link: Link<Viewing>;
  #rendition: string;

  /** Made by `LivelensClient.watch`. */
  constructor(
    api: Api,
    /** The stream's name. */
    readonly stream: string,
    options: ViewerOptions = {},
  ) {
    const { rendition = "main", results = true, onMessage } = options;
    this.#rendition = rendition;
    let asked = rendition;
    this.#link = new Link(
      (signal, onLost) => {
        asked = this.#rendition;
        return watch(api, stream, {
          rendition: asked,
          ...(options.detector === undefined ? {} : { detector: options.detector }),
          ...(options.class === undefined ? {} : { class: options.class }),
          ...(options.sound === undefined ? {} : { sound: options.sound }),
          ...(results && onMessage !== undefined ? { onMessage } : {}),
          signal,
          onLost,
        });
      },
      options,
      (session) => {
        for (const track of this.media.getTracks()) this.media.removeTrack(track);
        for (const track of session.video.getTracks()) this.media.addTrack(track);
        if (session.soundReceiver !== null) this.media.addTrack(session.soundReceiver.track);
        // Another was wished for while the connection was being made; it shows one of the two.
        if (this.#rendition !== asked) session.show(this.#rendition).catch(() => {});
        options.onSession?.(session);
      },
    );
  }

  get state(): LinkState {
    return this.#link.state;
  }

  /** Why it is not live. */
  get error(): Error | null {
    return this.#link.error;
  }

  /** The connection that stands now, for what this class does not offer. */
  get pc(): RTCPeerConnection | null {
    return this.#link.session?.pc ?? null;
  }

  /**
   * Shows another rendition without a new connection; now, or when the connection stands.
   *
   * Throws `Unreachable` or `ApiError`: what was shown before goes on.
   */
  async show(rendition: string): Promise<void> {
    const before = this.#rendition;
    this.#rendition = rendition;
    try {
      await this.#link.session?.show(rendition);
    } catch (error) {
      if (this.#rendition === rendition) this.#rendition = before;
      throw error;
    }
  }

  /** Tries again now rather than after the pause. */
  retry(): void {
    this.#link.retry();
  }

  /** Takes the connection for lost, and makes another: its picture stands still, say. */
  renew(): void {
    this.#link.renew();
  }

  close(): void {
    this.#link.close();
  }
}

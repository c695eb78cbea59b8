/** A camera that is being sent, whatever the network does. */

import type { Api } from "./api";
import { Link, type LinkOptions, type LinkState } from "./keep";
import { limit, type Publication, publish, type SendLimits, type SendOptions } from "./publish";
import { type SendStats, SendStatsReader } from "./sending";

/** How `LivelensClient.publish` sends. */
export interface PublisherOptions extends SendOptions, Omit<LinkOptions, "wait"> {}

/**
 * A camera that is sent to a stream until it is closed: after a loss it connects again.
 *
 * A track that ends (its camera was unplugged) sends nothing more until `replace` gives another.
 */
export class Publisher {
  #media: MediaStream;
  #options: SendOptions;
  #link: Link<Publication>;
  #reader: SendStatsReader | null = null;

  /** Made by `LivelensClient.publish`. */
  constructor(
    api: Api,
    /** The stream's name. */
    readonly stream: string,
    media: MediaStream,
    options: PublisherOptions = {},
  ) {
    this.#media = media;
    this.#options = { ...options };
    this.#link = new Link(
      (signal, onLost) => publish(api, stream, this.#media, { ...this.#options, signal, onLost }),
      options,
      (session) => this.#begin(session),
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

  /** What is being sent. */
  get media(): MediaStream {
    return this.#media;
  }

  /** Sends other tracks from now on, without a new connection where kinds stay the same. */
  async replace(media: MediaStream): Promise<void> {
    const before = this.#media;
    this.#media = media;
    const session = this.#link.session;
    if (session === null) return;
    const kinds = kindsOf(media, this.#options);
    if (kinds !== kindsOf(before, this.#options)) return this.#link.renew();
    for (const [kind, sender] of session.senders) {
      const track = media.getTracks().find((each) => each.kind === kind) ?? null;
      await sender.replaceTrack(track);
    }
  }

  /** Changes what the encoder may use; what is not named stays. */
  async limit(limits: SendLimits): Promise<void> {
    Object.assign(this.#options, limits);
    const sender = this.#link.session?.senders.get("video");
    if (sender !== undefined) await limit(sender, this.#options);
  }

  /** What is sent at present; null while nothing is. */
  async stats(): Promise<SendStats | null> {
    return (await this.#reader?.read()) ?? null;
  }

  /** Tries again now rather than after the pause. */
  retry(): void {
    this.#link.retry();
  }

  /** Ends the session. The tracks stay as they are: stop them to switch the camera off. */
  close(): void {
    this.#link.close();
  }

  #begin(session: Publication): void {
    this.#reader = new SendStatsReader(session.pc);
    // Another camera may have been given while the session was being made.
    for (const [kind, sender] of session.senders) {
      const track = this.#media.getTracks().find((each) => each.kind === kind);
      if (track !== undefined && track !== sender.track) void sender.replaceTrack(track);
    }
    const sender = session.senders.get("video");
    if (sender !== undefined) void limit(sender, this.#options);
  }
}

function kindsOf(media: MediaStream, options: SendOptions): string {
  const audio = options.audio !== false && media.getAudioTracks().length > 0;
  return `${media.getVideoTracks().length > 0}/${audio}`;
}

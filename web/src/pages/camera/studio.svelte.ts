/** The person's own camera: open, sent, and brought back whenever something takes it away. */

import { sending } from "../../app/sending.svelte";
import { api, client } from "../../app/server";
import { session } from "../../app/session.svelte";
import { streams } from "../../app/streams.svelte";
import { type LinkState, type Publisher, pause, pauseMs, type SendStats } from "../../client";
import { Awake } from "./awake";
import { type Choices, isName, remember, remembered } from "./choices";
import { DeviceFault, devices, faultOf, looksAtPerson, openDevices, pictureOf } from "./device";
import { type Trouble, troubleOf } from "./trouble";

const STATS_MS = 1000;
/** A camera that pauses for longer has been taken away: by a call, or by another program. */
const MUTED_MS = 3000;
/** What needs the devices opened anew. */
const DEVICE_KEYS: readonly (keyof Choices)[] = ["camera", "facing", "sound", "microphone"];

class Studio {
  #choices = $state.raw<Choices>(remembered());
  #media = $state.raw<MediaStream | null>(null);
  #opening = $state(false);
  #interrupted = $state(false);
  #trouble = $state.raw<Trouble | null>(null);
  #cameras = $state.raw<readonly MediaDeviceInfo[]>([]);
  #microphones = $state.raw<readonly MediaDeviceInfo[]>([]);
  #publisher = $state.raw<Publisher | null>(null);
  #link = $state<LinkState>("closed");
  #stats = $state.raw<SendStats | null>(null);
  #silent = $state(false);
  #turn = 0;
  #wake = new AbortController();
  #stopTicking: (() => void) | null = null;
  readonly #awake = new Awake();

  constructor() {
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      this.#wake.abort();
      void this.#list();
    });
    document.addEventListener("visibilitychange", () => this.#look());
    streams.listen((message) => {
      const mine = message.type === "state" && message.stream === this.#publisher?.stream;
      if (mine && message.state === "stopped") void this.#stoppedByOthers();
    });
  }

  get choices(): Choices {
    return this.#choices;
  }

  get media(): MediaStream | null {
    return this.#media;
  }

  get opening(): boolean {
    return this.#opening;
  }

  /** The camera was taken away, and is asked for again. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  get trouble(): Trouble | null {
    return this.#trouble;
  }

  get cameras(): readonly MediaDeviceInfo[] {
    return this.#cameras;
  }

  get microphones(): readonly MediaDeviceInfo[] {
    return this.#microphones;
  }

  /** Whether the camera is being sent, or about to be. */
  get sending(): boolean {
    return this.#publisher !== null;
  }

  get link(): LinkState {
    return this.#link;
  }

  get stats(): SendStats | null {
    return this.#stats;
  }

  /** The microphone is switched off, while it stays connected. */
  get silent(): boolean {
    return this.#silent;
  }

  set silent(silent: boolean) {
    this.#silent = silent;
    for (const track of this.#media?.getAudioTracks() ?? []) track.enabled = !silent;
  }

  /** Whether the picture is shown as in a mirror. */
  get mirrored(): boolean {
    return looksAtPerson(this.#media?.getVideoTracks()[0]);
  }

  /** Opens the camera, or tells in `trouble` why not. */
  async open(): Promise<void> {
    const turn = ++this.#turn;
    this.#opening = true;
    this.#trouble = null;
    // Many phones cannot open one camera while another is open.
    this.#release();
    try {
      const { media, lacksMicrophone } = await openDevices(this.#choices);
      if (turn !== this.#turn) return stop(media);
      await this.#take(media);
      if (lacksMicrophone) this.#trouble = { kind: "microphone", why: "" };
    } catch (error) {
      if (turn === this.#turn) this.#trouble = troubleOf(await faultOf(error));
    } finally {
      if (turn === this.#turn) this.#opening = false;
    }
    await this.#list();
  }

  /** Switches the camera off, unless it is being sent. */
  rest(): void {
    if (this.sending) return;
    this.#turn++;
    this.#opening = false;
    this.#interrupted = false;
    this.#release();
  }

  /** Changes choices, at once where that is possible. */
  async choose(change: Partial<Choices>): Promise<void> {
    const before = this.#choices;
    this.#choices = { ...before, ...change };
    // Why there is no camera is true whatever else is chosen.
    if (!this.sending && this.#media !== null) this.#trouble = null;
    const changed = (key: keyof Choices) => before[key] !== this.#choices[key];
    if (this.#media !== null && DEVICE_KEYS.some(changed)) await this.#reopen(before);
    else if (changed("size") || changed("fps")) await this.#shape();
    if (changed("bitrateBps") || changed("fps")) await this.#publisher?.limit(this.#limits());
    remember(this.#choices);
  }

  /** The other side of a phone, or the next camera of a computer. */
  async switchCamera(): Promise<void> {
    const settings = this.#media?.getVideoTracks()[0]?.getSettings();
    if (settings?.facingMode === "user" || settings?.facingMode === "environment") {
      const facing = settings.facingMode === "user" ? "environment" : "user";
      return this.choose({ facing, camera: null });
    }
    const at = this.#cameras.findIndex(({ deviceId }) => deviceId === settings?.deviceId);
    const next = this.#cameras[(at + 1) % this.#cameras.length];
    if (next !== undefined) await this.choose({ camera: next.deviceId });
  }

  start(): void {
    const media = this.#media;
    if (media === null || this.sending) return;
    const { stream, preset, codec, sound } = this.#choices;
    if (!isName(stream)) {
      this.#trouble = { kind: "name", why: "" };
      return;
    }
    remember(this.#choices);
    this.#trouble = null;
    this.#link = "connecting";
    const publisher = client.publish(stream, media, {
      preset,
      codec,
      audio: sound,
      ...this.#limits(),
      onState: (state, error) => {
        if (this.#publisher === publisher) this.#follow(state, error);
      },
    });
    this.#publisher = publisher;
    sending.stream = stream;
    this.#awake.keep(true);
    this.#tick();
  }

  stop(): void {
    const publisher = this.#publisher;
    this.#publisher = null;
    sending.stream = "";
    publisher?.close();
    this.#link = "closed";
    this.#stats = null;
    this.#stopTicking?.();
    this.#awake.keep(false);
    streams.refresh();
  }

  /** Tries what failed again, now. */
  async retry(): Promise<void> {
    this.#publisher?.retry();
    this.#wake.abort();
    if (!this.sending || this.#media === null) await this.open();
  }

  #follow(state: LinkState, error: Error | null): void {
    this.#link = state;
    if (state === "live") {
      this.#trouble = null;
      streams.refresh();
    } else if (error !== null) {
      // A connection that is lost for a moment is not worth words of its own.
      this.#trouble = error.name === "ConnectionLost" ? null : troubleOf(error);
    }
    if (state === "closed") this.stop();
  }

  /** Somebody removed the stream, or the server is about to go: only the latter comes back. */
  async #stoppedByOthers(): Promise<void> {
    this.stop();
    try {
      await api.request("readyz");
      this.#trouble = { kind: "removed", why: "" };
    } catch {
      this.start();
    }
  }

  async #reopen(before: Choices): Promise<void> {
    await this.open();
    const fault = this.#trouble;
    if (this.#media !== null || fault === null) return;
    // What was there before is better than nothing.
    this.#choices = { ...this.#choices, ...pick(before, DEVICE_KEYS) };
    await this.open();
    this.#trouble = fault;
  }

  async #shape(): Promise<void> {
    const [track] = this.#media?.getVideoTracks() ?? [];
    if (track === undefined) return;
    try {
      await track.applyConstraints(pictureOf(this.#choices));
      // The track is the same, but what is read of it is not.
      this.#media = this.#media === null ? null : new MediaStream(this.#media.getTracks());
    } catch {
      await this.open();
    }
  }

  #limits() {
    const { bitrateBps, fps } = this.#choices;
    return { maxBitrateBps: bitrateBps === 0 ? null : bitrateBps, fps };
  }

  async #take(media: MediaStream): Promise<void> {
    this.#media = media;
    this.#interrupted = false;
    this.silent = this.#silent;
    const [track] = media.getVideoTracks();
    track?.addEventListener("ended", () => void this.#recover(track));
    track?.addEventListener("mute", () => setTimeout(() => this.#look(), MUTED_MS));
    await this.#publisher?.replace(media);
  }

  #release(): void {
    if (this.#media !== null) stop(this.#media);
    this.#media = null;
  }

  /** Whether the camera is still ours: asked when the page is shown again, say. */
  #look(): void {
    const [track] = this.#media?.getVideoTracks() ?? [];
    if (track === undefined || document.hidden) return;
    if (track.readyState === "ended") void this.#recover(track);
    else if (track.muted) setTimeout(() => track.muted && void this.#recover(track), MUTED_MS);
  }

  /** Asks for a camera that was taken away until it is there again. */
  async #recover(track: MediaStreamTrack): Promise<void> {
    const lost = () => this.#media?.getVideoTracks()[0] === track;
    if (!lost() || this.#interrupted || document.hidden) return;
    this.#interrupted = true;
    for (let failures = 1; this.#interrupted && lost(); failures++) {
      try {
        const { media } = await openDevices(this.#choices);
        if (!lost()) return stop(media);
        this.#trouble = null;
        track.stop();
        await this.#take(media);
      } catch (error) {
        if (!lost()) return;
        this.#trouble = troubleOf(error);
        if (error instanceof DeviceFault && error.kind.startsWith("refused")) break;
        this.#wake = new AbortController();
        await pause(pauseMs(failures, Math.random()), this.#wake.signal);
      }
    }
    this.#interrupted = false;
  }

  async #list(): Promise<void> {
    const { cameras, microphones } = await devices();
    this.#cameras = cameras;
    this.#microphones = microphones;
  }

  #tick(): void {
    this.#stopTicking?.();
    const timer = setInterval(async () => {
      // Who signs out has done with this server.
      if (session.info?.signed_in === false) {
        this.stop();
        this.rest();
      }
      const publisher = this.#publisher;
      const stats = (await publisher?.stats()) ?? null;
      if (this.#publisher === publisher) this.#stats = stats;
    }, STATS_MS);
    this.#stopTicking = () => clearInterval(timer);
  }
}

export const studio = new Studio();

function stop(media: MediaStream): void {
  for (const track of media.getTracks()) track.stop();
}

function pick<Key extends keyof Choices>(
  choices: Choices,
  keys: readonly Key[],
): Pick<Choices, Key> {
  return Object.fromEntries(keys.map((key) => [key, choices[key]])) as Pick<Choices, Key>;
}

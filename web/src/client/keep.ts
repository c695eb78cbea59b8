/** Keeps a connection: opens it, and opens it again whenever it is lost. */

import { pause, pauseMs } from "./backoff";
import { ApiError, ConnectionLost, NoCodec } from "./errors";

/**
 * - `connecting`: not there yet; the error of the last attempt tells why, if there was one.
 * - `live`: it stands.
 * - `reconnecting`: it stood and was lost; it is tried again until it is closed.
 * - `closed`: by you, or because trying again is no use, which the error then tells.
 */
export type LinkState = "connecting" | "live" | "reconnecting" | "closed";

/** What `publish`, `watch` and `results` take alike. */
export interface LinkOptions {
  /** Closes when it aborts. */
  signal?: AbortSignal | undefined;
  /** Called at every change of state; `error` is an `ApiError`, `Unreachable`, …, or null. */
  onState?: ((state: LinkState, error: Error | null) => void) | undefined;
  /** Wait for a stream that is not there yet, rather than give up; false by default. */
  wait?: boolean | undefined;
}

/** Statuses that will be the same the next time, until somebody changes something. */
const FINAL = new Set([400, 401, 403, 404, 405, 409, 413, 415, 422]);
/** What may pass once the connection has stood: the server starts, our old session ends. */
const PASSING = new Set([404, 409]);

/** Whether an attempt that failed so is worth another. */
export function worthRetrying(error: Error, wasLive: boolean, wait: boolean): boolean {
  if (error instanceof NoCodec) return false;
  if (!(error instanceof ApiError) || !FINAL.has(error.status)) return true;
  if (wasLive && PASSING.has(error.status)) return true;
  return wait && error.status === 404;
}

/** Something that opens and can be lost; `close` is called on every one that was opened. */
export type Open<Session> = (signal: AbortSignal, onLost: () => void) => Promise<Session>;

/** A connection that is kept until it is closed. */
export class Link<Session extends { close(): void }> {
  #state: LinkState = "connecting";
  #error: Error | null = null;
  #session: Session | null = null;
  #end = new AbortController();
  #wake = new AbortController();
  #lose: () => void = () => {};
  #wasLive = false;

  /** `onSession` gets every session that comes to stand. */
  constructor(
    private readonly open: Open<Session>,
    private readonly options: LinkOptions,
    private readonly onSession: (session: Session) => void = () => {},
  ) {
    const { signal } = options;
    if (signal?.aborted) this.#end.abort();
    signal?.addEventListener("abort", () => this.close(), { signal: this.#end.signal });
    // The moments at which a network is most likely to have come back.
    const retry = () => this.retry();
    globalThis.addEventListener?.("online", retry, { signal: this.#end.signal });
    globalThis.document?.addEventListener("visibilitychange", retry, { signal: this.#end.signal });
    void this.#run();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Why it is not live; null while it is, before the first attempt, and when you closed it. */
  get error(): Error | null {
    return this.#error;
  }

  /** The session that stands now. */
  get session(): Session | null {
    return this.#session;
  }

  /** Tries again now rather than after the pause. */
  retry(): void {
    this.#wake.abort();
  }

  /** Takes the session for lost, though it says nothing of it. */
  renew(): void {
    this.#lose();
  }

  close(): void {
    this.#finish(null);
  }

  async #run(): Promise<void> {
    // The state is told only once whoever made this knows what he has made.
    await Promise.resolve();
    if (!this.#end.signal.aborted) this.#set("connecting", null);
    for (let failures = 0; !this.#end.signal.aborted; ) {
      try {
        await this.#once();
        failures = 1;
        this.#set("reconnecting", new ConnectionLost());
      } catch (fault) {
        if (this.#end.signal.aborted) break;
        const error = fault instanceof Error ? fault : new Error(String(fault));
        if (!worthRetrying(error, this.#wasLive, this.options.wait === true)) {
          this.#finish(error);
          break;
        }
        failures += 1;
        this.#set(this.#wasLive ? "reconnecting" : "connecting", error);
      }
      await this.#rest(failures);
    }
    if (this.#state !== "closed") this.#set("closed", null);
  }

  async #once(): Promise<void> {
    const lost = new Promise<void>((resolve) => {
      this.#lose = resolve;
    });
    const session = await this.open(this.#end.signal, () => this.#lose());
    try {
      if (this.#end.signal.aborted) return;
      this.#session = session;
      this.#wasLive = true;
      this.onSession(session);
      this.#set("live", null);
      this.#end.signal.addEventListener("abort", () => this.#lose(), { once: true });
      await lost;
    } finally {
      this.#session = null;
      session.close();
    }
  }

  async #rest(failures: number): Promise<void> {
    const asked = this.#error instanceof ApiError ? (this.#error.retryAfterS ?? 0) * 1000 : 0;
    this.#wake = new AbortController();
    const either = AbortSignal.any([this.#wake.signal, this.#end.signal]);
    await pause(Math.max(pauseMs(failures, Math.random()), asked), either);
  }

  #finish(error: Error | null): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#session?.close();
    this.#set("closed", error);
  }

  #set(state: LinkState, error: Error | null): void {
    if (this.#state === "closed") return;
    this.#state = state;
    this.#error = error;
    this.options.onState?.(state, error);
  }
}

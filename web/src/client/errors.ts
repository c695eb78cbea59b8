/** What can go wrong between a page and a server. */

/** The server answered, but not with what was asked for. */
export class ApiError extends Error {
  /**
   * @param status the HTTP status.
   * @param message the server's own line, which names what and where.
   * @param retryAfterS how many seconds the server asks to wait; null when it does not say.
   */
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
    this.name = "Unreachable";
  }
}

/** The server answered, but no way for video was found: UDP is blocked, say. */
export class NoConnection extends Error {
  constructor() {
    super("No connection for video could be made to the server.");
    this.name = "NoConnection";
  }
}

/** A connection that stood has broken. */
export class ConnectionLost extends Error {
  constructor() {
    super("The connection was lost.");
    this.name = "ConnectionLost";
  }
}

/** The browser does not have this codec. */
export class NoCodec extends Error {
  constructor(readonly codec: string) {
    super(`This browser cannot send ${codec}.`);
    this.name = "NoCodec";
  }
}

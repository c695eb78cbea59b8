/** Asks the browser to wait for nothing before it shows what has come. */

interface Receiver {
  jitterBufferTarget?: number | null;
  /** What Chromium had before, in seconds. */
  playoutDelayHint?: number | null;
}

/** Browsers without either setting have a delay of their own. `targetMs` delays on purpose. */
export function playAtOnce(receiver: RTCRtpReceiver, targetMs = 0): void {
  const settings: Receiver = receiver;
  try {
    if ("jitterBufferTarget" in receiver) settings.jitterBufferTarget = targetMs;
    else if ("playoutDelayHint" in receiver) settings.playoutDelayHint = targetMs / 1000;
  } catch {
    // A browser may know the setting and refuse the value.
  }
}

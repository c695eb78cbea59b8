/** What a person has chosen for his camera, kept for the next time. */

export const SIZES = {
  "1920x1080": [1920, 1080],
  "1280x720": [1280, 720],
  "960x540": [960, 540],
  "640x480": [640, 480],
  "640x360": [640, 360],
  "320x240": [320, 240],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;
export type Size = keyof typeof SIZES;

export const RATES = [10, 15, 24, 30, 60] as const;
/** Bits per second; 0 leaves it to the browser. */
export const BITRATES = [0, 300_000, 600_000, 1_200_000, 2_500_000, 5_000_000] as const;

export interface Choices {
  /** The id of a device; null for any that looks to the side of `facing`. */
  camera: string | null;
  facing: "user" | "environment";
  sound: boolean;
  microphone: string | null;
  size: Size;
  fps: number;
  /** 0 leaves it to the browser. */
  bitrateBps: number;
  /** Null for the best that browser and server share. */
  codec: string | null;
  /** "" for the server's own choice; null until somebody has chosen. */
  preset: string | null;
  stream: string;
}

const KEY = "livelens.camera";

/** As a stream's name must be, in configuration and API. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export function isName(name: string): boolean {
  return NAME.test(name);
}

/** `phone-7fq2`: short enough to be read out. */
export function suggestedName(phone: boolean): string {
  return `${phone ? "phone" : "camera"}-${randomTail()}`;
}

/** A name that a pattern of one's rights allows: itself, or with something for its wildcards. */
export function nameOf(pattern: string): string {
  return pattern.replace(/[*?]/g, (wildcard) => (wildcard === "?" ? "x" : randomTail()));
}

function randomTail(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const random = crypto.getRandomValues(new Uint8Array(4));
  return [...random].map((each) => letters[each % letters.length]).join("");
}

export function defaults(): Choices {
  const phone = matchMedia("(pointer: coarse)").matches;
  return {
    camera: null,
    facing: "user",
    sound: false,
    microphone: null,
    size: "1280x720",
    fps: 30,
    bitrateBps: 0,
    codec: null,
    preset: null,
    stream: suggestedName(phone),
  };
}

/** What was kept, as far as it still means something. */
export function remembered(): Choices {
  const known = defaults();
  let kept: Partial<Record<keyof Choices, unknown>> = {};
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof value === "object" && value !== null) kept = value;
  } catch {
    // Somebody else's, or damaged: as if there were none.
  }
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
  const size = text(kept.size);
  const stream = text(kept.stream);
  return {
    camera: text(kept.camera),
    facing: kept.facing === "environment" ? "environment" : "user",
    sound: kept.sound === true,
    microphone: text(kept.microphone),
    size: size !== null && size in SIZES ? (size as Size) : known.size,
    fps: RATES.find((rate) => rate === kept.fps) ?? known.fps,
    bitrateBps: BITRATES.find((rate) => rate === kept.bitrateBps) ?? known.bitrateBps,
    codec: text(kept.codec),
    preset: typeof kept.preset === "string" ? kept.preset : null,
    stream: stream !== null && isName(stream) ? stream : known.stream,
  };
}

export function remember(choices: Choices): void {
  localStorage.setItem(KEY, JSON.stringify(choices));
}

/** Cameras and microphones: asking for them, and what can go wrong. */

import { type Choices, SIZES } from "./choices";

/** Why there is no camera; each has words of its own that say what to do. */
export type FaultKind =
  | "insecure"
  | "noDevices"
  | "none"
  | "refused"
  | "refusedForGood"
  | "busy"
  | "unknown";

export class DeviceFault extends Error {
  constructor(
    readonly kind: FaultKind,
    readonly detail = "",
  ) {
    super(kind);
    this.name = "DeviceFault";
  }
}

/** What was opened, and whether a microphone was asked for in vain. */
export interface Opened {
  media: MediaStream;
  lacksMicrophone: boolean;
}

/** null when this page may ask for a camera. */
export function hindrance(): FaultKind | null {
  if (!globalThis.isSecureContext) return "insecure";
  // Not there in some browsers inside of other apps.
  return navigator.mediaDevices?.getUserMedia === undefined ? "noDevices" : null;
}

/** Whether the browser would give the camera without asking. */
export async function allowed(): Promise<PermissionState> {
  try {
    return (await navigator.permissions.query({ name: "camera" as PermissionName })).state;
  } catch {
    return "prompt"; // Firefox before 132 does not know this name.
  }
}

/** Opens the chosen camera and microphone. Throws `DeviceFault`. */
export async function openDevices(choices: Choices): Promise<Opened> {
  const kind = hindrance();
  if (kind !== null) throw new DeviceFault(kind);
  try {
    return await open(choices);
  } catch (error) {
    throw await faultOf(error);
  }
}

async function open(choices: Choices): Promise<Opened> {
  try {
    const media = await navigator.mediaDevices.getUserMedia(constraintsOf(choices));
    return { media: forMotion(media), lacksMicrophone: false };
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    const missing = name === "NotFoundError" || name === "OverconstrainedError";
    // A camera that was chosen once and is not there today: take another.
    if (missing && choices.camera !== null) return open({ ...choices, camera: null });
    if (missing && choices.microphone !== null) return open({ ...choices, microphone: null });
    if (!choices.sound || name === "NotAllowedError") throw error;
    // The picture matters more than the sound.
    return { ...(await open({ ...choices, sound: false })), lacksMicrophone: true };
  }
}

/** A preference, not a demand: what cannot be had should not hinder. */
export function constraintsOf(choices: Choices): MediaStreamConstraints {
  return {
    video: {
      ...pictureOf(choices),
      ...(choices.camera === null
        ? { facingMode: { ideal: choices.facing } }
        : { deviceId: { exact: choices.camera } }),
    },
    audio:
      choices.sound &&
      (choices.microphone === null ? true : { deviceId: { exact: choices.microphone } }),
  };
}

/** What may change while a camera is open. */
export function pictureOf({ size, fps }: Pick<Choices, "size" | "fps">): MediaTrackConstraints {
  const [width, height] = SIZES[size];
  return { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: fps } };
}

/** Says that smooth motion matters more than sharpness when bits are few. */
function forMotion(media: MediaStream): MediaStream {
  for (const track of media.getVideoTracks()) track.contentHint = "motion";
  return media;
}

export async function faultOf(error: unknown): Promise<DeviceFault> {
  if (error instanceof DeviceFault) return error;
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotFoundError":
    case "OverconstrainedError":
      return new DeviceFault("none");
    case "NotAllowedError":
    case "SecurityError":
      return new DeviceFault((await allowed()) === "denied" ? "refusedForGood" : "refused");
    case "NotReadableError":
    case "AbortError":
      return new DeviceFault("busy");
    default:
      return new DeviceFault("unknown", error instanceof Error ? error.message : String(error));
  }
}

/** Cameras and microphones by kind; without labels before permission was given. */
export async function devices(): Promise<{
  cameras: MediaDeviceInfo[];
  microphones: MediaDeviceInfo[];
}> {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const named = all.filter(({ deviceId }) => deviceId !== "");
  return {
    cameras: named.filter(({ kind }) => kind === "videoinput"),
    microphones: named.filter(({ kind }) => kind === "audioinput"),
  };
}

/** Whether a camera looks at the person: shown as in a mirror. */
export function looksAtPerson(track: MediaStreamTrack | undefined): boolean {
  const facing = track?.getSettings().facingMode;
  // A computer's camera tells nothing, and looks at who sits there.
  return facing === undefined ? true : facing === "user";
}

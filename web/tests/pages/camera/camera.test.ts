import { afterEach, expect, it, vi } from "vitest";
import { ApiError, NoCodec, NoConnection, Unreachable } from "../../../src/client/errors";
import { type Choices, isName, nameOf, remembered } from "../../../src/pages/camera/choices";
import { codecs } from "../../../src/pages/camera/codecs";
import { constraintsOf, DeviceFault, openDevices } from "../../../src/pages/camera/device";
import { firstChoice } from "../../../src/pages/camera/presets";
import { troubleOf } from "../../../src/pages/camera/trouble";

vi.mock("../../../src/app/server", () => ({ api: {} }));
afterEach(() => vi.unstubAllGlobals());

const CHOICES: Choices = {
  camera: null,
  facing: "environment",
  sound: true,
  microphone: null,
  size: "640x360",
  fps: 15,
  bitrateBps: 0,
  codec: null,
  preset: null,
  stream: "desk",
};

function keep(text: string | null) {
  vi.stubGlobal("localStorage", { getItem: () => text });
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
}

it("asks for what was chosen without insisting on it", () => {
  expect(constraintsOf(CHOICES)).toEqual({
    video: {
      width: { ideal: 640 },
      height: { ideal: 360 },
      frameRate: { ideal: 15 },
      facingMode: { ideal: "environment" },
    },
    audio: true,
  });
  const chosen = { ...CHOICES, camera: "c", microphone: "m" };
  expect(constraintsOf(chosen)).toMatchObject({
    video: { deviceId: { exact: "c" } },
    audio: { deviceId: { exact: "m" } },
  });
  expect(constraintsOf({ ...CHOICES, sound: false }).audio).toBe(false);
});

function device(give: (wanted: MediaStreamConstraints) => unknown) {
  vi.stubGlobal("isSecureContext", true);
  const getUserMedia = vi.fn(async (wanted: MediaStreamConstraints) => give(wanted));
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia }, permissions: {} });
  return getUserMedia;
}

const media = { getVideoTracks: () => [{ contentHint: "" }] };

it("takes another camera where the chosen one is gone, and the picture where sound is not", async () => {
  const asked = device((wanted) => {
    if (typeof wanted.video === "object" && wanted.video.deviceId !== undefined)
      throw new DOMException("", "OverconstrainedError");
    if (wanted.audio !== false) throw new DOMException("", "NotFoundError");
    return media;
  });
  const opened = await openDevices({ ...CHOICES, camera: "gone" });
  expect(opened).toMatchObject({ media, lacksMicrophone: true });
  expect(asked).toHaveBeenCalledTimes(3);
});

it("says why there is no camera", async () => {
  for (const [name, kind] of [
    ["NotFoundError", "none"],
    ["NotAllowedError", "refused"],
    ["NotReadableError", "busy"],
    ["TypeError", "unknown"],
  ]) {
    device(() => {
      throw new DOMException("", name);
    });
    const fault = await openDevices({ ...CHOICES, sound: false }).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(DeviceFault);
    expect(fault).toMatchObject({ kind });
  }
  vi.stubGlobal("isSecureContext", false);
  await expect(openDevices(CHOICES)).rejects.toMatchObject({ kind: "insecure" });
});

it("remembers what still means something", () => {
  keep(JSON.stringify({ ...CHOICES, fps: 17, size: "9x9", stream: "no name", codec: 7 }));
  const known = remembered();
  expect(known).toMatchObject({ fps: 30, size: "1280x720", codec: null, facing: "environment" });
  expect(known.stream).toMatch(/^phone-\w{4}$/);
  for (const broken of ["{", "null", "[]", '"x"', null]) {
    keep(broken);
    expect(isName(remembered().stream)).toBe(true);
  }
  expect(isName(nameOf("cam-*"))).toBe(true);
  expect(nameOf("door")).toBe("door");
});

it("offers what browser and server share, and says why not the rest", () => {
  class Transceiver {
    setCodecPreferences() {}
  }
  vi.stubGlobal("RTCRtpTransceiver", Transceiver);
  const list = ["VP8", "rtx", "VP9", "AV1", "red"].map((name) => ({
    mimeType: `video/${name}`,
    clockRate: 90_000,
  }));
  const found = codecs({ codecs: list, headerExtensions: [] });
  expect(found.map(({ label, why }) => [label, why])).toEqual([
    ["H.264", "browser"],
    ["VP8", null],
    ["AV1", "server"],
    ["VP9", "server"],
  ]);
});

it("seeks faces where the server by itself seeks nothing", () => {
  const preset = (name: string, ...stages: string[]) => ({ name, description: "", stages });
  expect(firstChoice([preset("default"), preset("faces", "detect")])).toBe("faces");
  expect(firstChoice([preset("default", "detect"), preset("faces", "detect")])).toBe("");
  expect(firstChoice([preset("default")])).toBe("");
});

it("tells troubles apart", () => {
  const kinds = [
    new ApiError(409, "the stream 'a' has a publisher already"),
    new ApiError(409, "the stream 'a' takes its pictures from elsewhere"),
    new ApiError(409, "the stream 'a' is stopped: start it before you publish"),
    new ApiError(403, "no"),
    new ApiError(404, "no preset"),
    new ApiError(418, "tea"),
    new Unreachable(),
    new NoConnection(),
    new NoCodec("AV1"),
    new DeviceFault("busy"),
  ].map((error) => troubleOf(error).kind);
  expect(kinds).toEqual([
    "taken",
    "elsewhere",
    "stopped",
    "forbidden",
    "preset",
    "server",
    "unreachable",
    "noPath",
    "codec",
    "busy",
  ]);
});

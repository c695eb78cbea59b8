import { expect, it } from "vitest";
import type { StreamInfo, StreamState } from "../../src/client";
import { ApiError, NoConnection, Unreachable } from "../../src/client";
import { hindranceOf, type Situation, statusOf } from "../../src/player/status";

const info = (state: StreamState, detail = "") => ({ state, detail }) as StreamInfo;
const kind = (change: Partial<Situation>) =>
  statusOf({
    info: info("running"),
    server: "up",
    hindrance: null,
    withoutPictureMs: 0,
    blocked: false,
    ...change,
  })?.kind ?? null;

it("says nothing while pictures come", () => {
  expect(kind({})).toBeNull();
  expect(kind({ info: info("reconnecting") })).toBeNull();
});

it("tells why none come, the plainest reason first", () => {
  const late = { withoutPictureMs: 2000 };
  expect(kind(late)).toBe("pictures");
  expect(kind({ ...late, info: info("waiting") })).toBe("waiting");
  expect(kind({ ...late, info: undefined })).toBe("missing");
  expect(kind({ ...late, server: "down" })).toBe("unreachable");
  expect(kind({ info: info("stopped") })).toBe("stopped");
  expect(kind({ info: info("failed", "no such file") })).toBe("failed");
  expect(kind({ info: info("failed"), blocked: true })).toBe("blocked");
  expect(kind({ hindrance: { kind: "full", detail: "" } })).toBe("full");
});

it("understands what a connection meets", () => {
  expect(hindranceOf("live", null)).toBeNull();
  expect(hindranceOf("connecting", null)?.kind).toBe("connecting");
  const met = (error: Error) => hindranceOf("connecting", error)?.kind;
  expect(met(new Unreachable())).toBe("unreachable");
  expect(met(new ApiError(401, "who?"))).toBe("signedOut");
  expect(met(new ApiError(403, "no"))).toBe("forbidden");
  expect(met(new ApiError(404, "where?"))).toBe("missing");
  expect(met(new ApiError(503, "full"))).toBe("full");
  expect(hindranceOf("closed", new ApiError(403, "not yours"))?.detail).toBe("not yours");
  // Without WebRTC there is no codec either.
  expect(met(new NoConnection())).toBe("codec");
});

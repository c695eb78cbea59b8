import { expect, it } from "vitest";
import type { StreamInfo } from "../../src/client";
import type { Algorithm } from "../../src/pages/edit/algorithms";
import { withCamera } from "../../src/pages/watch/framing/adding";
import {
  camerasOf,
  changed,
  chosenAt,
  following,
  isAspect,
  outstanding,
  subjectsAmong,
  withChange,
} from "../../src/pages/watch/framing/cameras";
import { Recent } from "../../src/pages/watch/framing/recent";
import {
  cameraOfRendition,
  lookaheadMs,
  renditionOf,
  renditionOfCamera,
} from "../../src/player-ui/renditions";
import { thing } from "../results";

const FRAME = [1000, 500] as const;
const STAGES = [
  { type: "detect", model: "m" },
  { type: "reframe", name: null, aspect: "9:16", tracker_id: 4 },
  { type: "reframe", name: "square", aspect: "1:1" },
];

it("finds cameras by the names that their viewports go by, and changes one alone", () => {
  expect(camerasOf({ stages: STAGES }).map(({ name, index }) => [name, index])).toEqual([
    ["reframe", 1],
    ["square", 2],
  ]);
  const after = withChange(STAGES, "square", { aspect: "4:5", group: 2 });
  expect(after?.[2]).toEqual({ type: "reframe", name: "square", aspect: "4:5", group: 2 });
  expect(after?.slice(0, 2)).toEqual(STAGES.slice(0, 2));
  expect(withChange(STAGES, "gone", { aspect: "1:1" })).toBeNull();
});

it("chooses by a click the smallest around it, else who is close by", () => {
  const large = thing(1, [100, 100, 400, 500]);
  const small = thing(2, [150, 150, 250, 300]);
  expect(chosenAt([large, small], [200, 200], FRAME)).toBe(small);
  expect(chosenAt([large, small], [300, 400], FRAME)).toBe(large);
  expect(chosenAt([large, small], [420, 400], FRAME)).toBe(large);
  expect(chosenAt([large, small], [600, 400], FRAME)).toBeNull();
  expect(subjectsAmong([large], { classes: ["dog"] })).toEqual([]);
  expect(subjectsAmong([large], { classes: [], weights: {} })).toEqual([large]);
  expect(subjectsAmong([large], { weights: { person: 0 } })).toEqual([]);
});

it("sets a point as parts of the picture, and forgets the track", () => {
  const change = following([333.3333, 500], FRAME);
  expect(change).toEqual({ point: [0.3333, 1], tracker_id: null });
  expect(changed({ type: "reframe", tracker_id: 4 }, change)).toEqual({
    type: "reframe",
    tracker_id: null,
    point: [0.3333, 1],
  });
});

it("remembers what the server has not told yet", () => {
  const wanted = { aspect: "1:1", point: null };
  expect(outstanding({ aspect: "9:16" }, wanted)).toEqual({ aspect: "1:1" });
  expect(outstanding({ aspect: "1:1", point: null }, wanted)).toBeNull();
});

it("takes the aspects that the server takes", () => {
  for (const good of ["9:16", "2.39:1", "1.85", "0.1", "source", " 3 : 4 "]) {
    expect(isAspect(good), good).toBe(true);
  }
  for (const bad of ["", "wide", "0:1", "1:0", "1:11", "-1", "1:2:3", "99"]) {
    expect(isAspect(bad), bad).toBe(false);
  }
});

it("adds to a stream what a camera cannot do without, and a rendition of it", () => {
  const algorithm = (type: string, gives: readonly string[]) =>
    ({ stage: { type }, gives }) as unknown as Algorithm;
  const algorithms = [algorithm("simulate", ["detections"]), algorithm("track", ["tracks"])];
  const main = { type: "whep", name: "main" };
  const bare = withCamera({ stages: [], sinks: [main] }, algorithms);
  expect(bare.stages.map(({ type }) => type)).toEqual(["detect", "track", "reframe"]);
  expect(bare.sinks).toEqual([main, { type: "whep", name: "framed", viewport: "reframe" }]);
  const found = withCamera({ stages: [{ type: "simulate" }], sinks: bare.sinks }, algorithms);
  expect(found.stages.map(({ type }) => type)).toEqual(["simulate", "track", "reframe"]);
  expect(found.sinks).toEqual(bare.sinks);
});

it("keeps who has just gone in the list, for a while", () => {
  const recent = new Recent();
  const box = [0, 0, 1, 1] as const;
  recent.with([thing(7, box), thing(3, box), thing(null, box)], 0);
  expect(recent.with([thing(7, box)], 1000).map(({ id, here }) => [id, here])).toEqual([
    [3, false],
    [7, true],
  ]);
  expect(recent.with([], 3500).map(({ id }) => id)).toEqual([7]);
});

it("shows the whole picture unless a camera's is asked for, and knows which is which", () => {
  const whep = (name: string, more: object = {}) => ({ type: "whep", name, ...more });
  const sinks = [
    whep("tall", { viewport: "reframe", overlay: true }),
    whep("framed", { viewport: "reframe" }),
    whep("main"),
    { type: "record", name: "kept", viewport: "reframe" },
  ];
  const info = {
    sinks: [whep("tall", { overlay: true }), whep("framed"), whep("main")],
    spec: { sinks, stages: [{ type: "reframe", lookahead_s: 0.5 }, { type: "track" }] },
  } as unknown as StreamInfo;
  expect(renditionOf(info, undefined)).toBe("main");
  expect(renditionOf(info, "tall")).toBe("tall");
  expect(cameraOfRendition(info, "framed")).toBe("reframe");
  expect(cameraOfRendition(info, "main")).toBeNull();
  expect(renditionOfCamera(info, "reframe")).toBe("framed");
  expect(renditionOfCamera(info, "other")).toBeNull();
  expect(lookaheadMs(info)).toBe(500);
  expect(lookaheadMs(undefined)).toBe(0);
});

/** The client of a Livelens server for pages of your own: `/client/livelens.js`. */

export type { Api } from "./api";
export { type ConnectOptions, connect, LivelensClient, type ResultsOptions } from "./client";
export { ApiError, ConnectionLost, NoCodec, NoConnection, Unreachable } from "./errors";
export type { LinkOptions, LinkState } from "./keep";
export type { SendLimits, SendOptions } from "./publish";
export type { Publisher, PublisherOptions } from "./publisher";
export type { PlayerNumbers, Reporter } from "./report";
export type { Chosen } from "./results";
export type { SendStats } from "./sending";
export type {
  Box,
  DetectedObject,
  LandmarkSet,
  Mask,
  Message,
  ObjectAttribute,
  Problem,
  Result,
  SinkInfo,
  StageTime,
  State,
  StreamInfo,
  StreamState,
  Viewport,
} from "./types";
export type { Viewer, ViewerOptions } from "./viewer";
export type { Viewing } from "./watch";

/** The typed client of a Livelens server; knows nothing of the page. */

export * from "./access";
export { Api } from "./api";
export { pause, pauseMs } from "./backoff";
export { connect, LivelensClient } from "./client";
export { ApiError, ConnectionLost, NoCodec, NoConnection, Unreachable } from "./errors";
export type { LinkOptions, LinkState } from "./keep";
export { type Publication, publish, type SendOptions } from "./publish";
export { Publisher, type PublisherOptions } from "./publisher";
export {
  listRecordings,
  type Recording,
  type RecordingEnd,
  type RecordingList,
  type RecordingStorage,
  readRecordedResults,
  readRecording,
  recordingUrls,
  removeRecording,
  startRecording,
  stopRecording,
} from "./recordings";
export { type PlayerNumbers, Reporter } from "./report";
export type { SendStats } from "./sending";
export {
  checkSource,
  type PresetInfo,
  type ServerInfo,
  type SourceCheck,
  type SourceProblem,
  serverInfo,
} from "./server";
export { isCompanion, nameOf } from "./session";
export { readMessages } from "./sse";
export type * from "./types";
export {
  removeUpload,
  type UploadInfo,
  type UploadList,
  type UploadOptions,
  upload,
  uploads,
} from "./uploads";
export { Viewer, type ViewerOptions } from "./viewer";
export { type Viewing, watch } from "./watch";

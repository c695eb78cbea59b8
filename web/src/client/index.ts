/** The typed client of a Livelens server; knows nothing of the page. */

export { Api, ApiError, Unreachable } from "./api";
export { pause, pauseMs } from "./backoff";
export { type Publication, publish } from "./publish";
export { readMessages } from "./sse";
export { keepToken, takeToken } from "./token";
export type * from "./types";
export { type Viewing, watch } from "./watch";

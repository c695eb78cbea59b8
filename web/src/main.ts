/** The page: puts its parts together. */

import "./style.css";
import { Api, ApiError, keepToken, type StreamInfo, takeToken } from "./client";
import { Camera } from "./page/camera";
import { element, setText } from "./page/dom";
import { StreamList, shortLabel, total } from "./page/list";
import { Overview } from "./page/overview";
import { Watching } from "./page/watching";
import { serverFault } from "./page/words";
import { type Drawn, Player, type PlayerStats, type Timing } from "./player/player";

declare global {
  /** What the page shows, for tests and for the curious. */
  var livelens: { drawn(): Drawn | null; stats(): PlayerStats };
}

const api = new Api(new URL(".", document.baseURI).href, takeToken());
const player = new Player({
  video: element("video", HTMLVideoElement),
  picture: element("picture", HTMLCanvasElement),
  boxes: element("boxes", HTMLCanvasElement),
});
globalThis.livelens = { drawn: () => player.drawn, stats: () => player.stats() };

const screen = element("screen", HTMLElement);
const status = element("status", HTMLElement);
const notice = element("notice", HTMLElement);
const noticeText = element("notice-text", HTMLElement);
const server = element("server", HTMLElement);
const nav = element("nav", HTMLElement);
const tokenForm = element("token-form", HTMLFormElement);
const tokenField = element("token", HTMLInputElement);
const rendition = element("rendition", HTMLSelectElement);
const timing = element("timing", HTMLSelectElement);
const boxes = element("layer-boxes", HTMLInputElement);
const labels = element("layer-labels", HTMLInputElement);

/** After this long without a picture the page tells why. */
const NO_PICTURE_MS = 1500;
/** After this long without a picture a stream that runs is asked for anew. */
const STALL_MS = 5000;

let streams: StreamInfo[] = [];
/** What hinders the connection; null when it stands. */
let connection: string | null = null;
/** A stream that was asked for and may be about to appear. */
let wanted: string | null = new URLSearchParams(location.hash.slice(1)).get("stream");

const watching = new Watching(api, player, showStatus, askToken);
const list = new StreamList(element("streams", HTMLElement), element("empty", HTMLElement), select);
const overview = new Overview(api, {
  onStreams: (found) => {
    streams = found;
    setServer("up", "connected");
    tokenForm.hidden = true;
    if (watching.choice === null) {
      const first =
        found.find(({ id }) => id === wanted) ?? found.find((info) => !isOver(info)) ?? found[0];
      if (first !== undefined) select(first.id);
    }
    renew();
  },
  onMessage: (message) => {
    if (message.type === "problem") list.addProblem(message);
  },
  onFault: (error) => {
    if (error instanceof ApiError && error.status === 401) askToken();
    if (!(error instanceof ApiError)) setServer("down", "no answer");
    else setServer("down", error.status === 401 ? "token needed" : serverFault(error));
  },
  onBack: () => watching.retry(),
});
new Camera(api, element("camera", HTMLButtonElement), {
  onStart: (stream) => {
    showNotice(null);
    select(stream);
    overview.refresh();
  },
  onStop: (stream) => {
    if (watching.choice?.stream === stream) select(null);
    overview.refresh();
  },
  onFault: showNotice,
  onUnauthorized: askToken,
});

function select(stream: string | null): void {
  wanted = stream;
  const hash = new URLSearchParams(location.hash.slice(1));
  if (stream === null) hash.delete("stream");
  else hash.set("stream", stream);
  history.replaceState(null, "", `${location.pathname}${location.search}#${hash}`);
  choose(stream);
  renew();
}

function choose(stream: string | null): void {
  player.drawing = rendition.value !== "annotated";
  player.redraw();
  watching.choose(stream === null ? null : { stream, rendition: rendition.value });
  for (const input of [timing, boxes, labels]) input.disabled = !player.drawing;
}

function renew(): void {
  const chosen = watching.choice?.stream ?? null;
  list.show(streams, chosen);
  screen.dataset.empty = String(chosen === null);
  const info = streams.find(({ id }) => id === chosen);
  if (info?.size_px) screen.style.aspectRatio = `${info.size_px[0]} / ${info.size_px[1]}`;
  setText(element("title", HTMLElement), chosen ?? "No stream chosen");
  setText(
    element("subtitle", HTMLElement),
    info === undefined ? "" : shortLabel(info.source.label),
  );
  showStages(info);
}

function showStages(info: StreamInfo | undefined): void {
  const words = Object.entries(info?.stages_ms ?? {}).map(
    ([name, { p50 = 0 }]) => `${name} ${p50.toFixed(p50 < 10 ? 1 : 0)} ms`,
  );
  setText(element("stages", HTMLElement), words.join(" · "));
}

function showStatus(words: string | null): void {
  connection = words;
  renewStatus();
}

function isOver(info: StreamInfo): boolean {
  return info.state === "ended" || info.state === "failed" || info.state === "stopped";
}

/** Why no more pictures will come; null while they may. */
function ending(): string | null {
  const info = streams.find(({ id }) => id === watching.choice?.stream);
  if (info === undefined || !isOver(info) || server.dataset.state === "down") return null;
  return info.detail === ""
    ? `The stream has ${info.state}.`
    : `The stream has ended: ${info.detail}`;
}

/** Over the picture: that the stream is over, else what hinders it or the connection. */
function renewStatus(): void {
  const words = ending() ?? connection ?? missingPictures();
  status.hidden = words === null;
  if (words !== null) setText(status, words);
}

function missingPictures(): string | null {
  const info = streams.find(({ id }) => id === watching.choice?.stream);
  if (watching.choice === null || performance.now() - player.lastPictureMs < NO_PICTURE_MS) {
    return null;
  }
  if (server.dataset.state === "down") return "The server does not answer.";
  if (info === undefined) return "This stream is not there.";
  if (info.state === "running") return "Waiting for pictures…";
  return info.detail === "" ? `The stream is ${info.state}.` : info.detail;
}

function showNotice(words: string | null): void {
  notice.hidden = words === null;
  if (words !== null) setText(noticeText, words);
}

function setServer(state: "up" | "down", words: string): void {
  server.dataset.state = state;
  nav.dataset.stale = String(state === "down");
  setText(server, words);
}

function askToken(): void {
  if (!tokenForm.hidden) return;
  tokenForm.hidden = false;
  tokenField.focus();
}

tokenForm.addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(tokenField.value);
  api.token = tokenField.value;
  tokenField.value = "";
  tokenForm.hidden = true;
  overview.refresh();
  watching.retry();
});
element("notice-close", HTMLButtonElement).addEventListener("click", () => showNotice(null));
rendition.addEventListener("change", () => choose(watching.choice?.stream ?? null));
timing.addEventListener("change", () => {
  player.timing = timing.value as Timing;
});
for (const input of [boxes, labels]) {
  input.addEventListener("change", () => {
    player.layers = { boxes: boxes.checked, labels: labels.checked };
    player.redraw();
  });
}

setInterval(() => {
  const info = streams.find(({ id }) => id === watching.choice?.stream);
  // A stream that is not listed may have a session that has not heard of its end.
  if ((info === undefined || info.state === "running") && !document.hidden) {
    watching.checkStall(server.dataset.state === "down" ? NO_PICTURE_MS : STALL_MS);
  }
  renewStatus();
  showBadge(player.stats());
}, 500);

function showBadge(stats: PlayerStats): void {
  const facts = [`${stats.fps.toFixed(0)} fps`];
  if (player.drawing && stats.analysisMs !== null) {
    facts.push(`analysis ${stats.analysisMs.toFixed(0)} ms`);
    if (timing.value === "exact") facts.push(`held ${stats.heldMs.toFixed(0)} ms`);
    facts.push(`${((stats.kinds.exact || 0) * 100).toFixed(0)} % exact`);
  }
  const dropped = total(stats.dropped);
  if (dropped > 0) facts.push(`${dropped.toLocaleString("en")} dropped`);
  const badge = element("badge", HTMLElement);
  setText(badge, facts.join(" · "));
  badge.hidden = watching.choice === null;
  badge.title = Object.entries(stats.dropped)
    .map(([reason, count]) => `${reason}: ${count}`)
    .join("\n");
}

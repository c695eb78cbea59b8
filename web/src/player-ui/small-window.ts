/**
 * The picture with its overlays in a window that stays on top.
 *
 * Where the browser lets a page have such a window, the picture itself moves there and goes on
 * while the page is hidden. Elsewhere a video of the drawn pictures is floated; while the page
 * is hidden, nothing is drawn, and the plain video takes its place.
 */

interface DocumentWindows {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

export interface SmallWindow {
  close(): void;
  /** To be called after each picture. */
  draw(): void;
}

export interface Picture {
  element: HTMLElement;
  sizePx: readonly [number, number];
  video: HTMLVideoElement;
  /** Draws the picture and its overlays on a canvas of its size. */
  compose(target: HTMLCanvasElement): HTMLCanvasElement | null;
  /** The element is in another window now, or back. */
  onMoved(away: boolean): void;
  onClosed(): void;
}

const WIDTH_PX = 480;

function documentWindows(): DocumentWindows | null {
  const found: unknown = Reflect.get(globalThis, "documentPictureInPicture");
  return typeof found === "object" && found !== null && "requestWindow" in found
    ? (found as DocumentWindows)
    : null;
}

/** Older browsers float videos by buttons of their own only, which pages cannot press. */
export function canFloat(): boolean {
  return documentWindows() !== null || document.pictureInPictureEnabled === true;
}

/** To be called from a click. Throws what the browser says when it refuses. */
export function openSmallWindow(picture: Picture): Promise<SmallWindow> {
  const windows = documentWindows();
  return windows === null ? floatVideo(picture) : moveAway(windows, picture);
}

async function moveAway(windows: DocumentWindows, picture: Picture): Promise<SmallWindow> {
  const { element, sizePx } = picture;
  const height = Math.round((WIDTH_PX * sizePx[1]) / sizePx[0]);
  const small = await windows.requestWindow({ width: WIDTH_PX, height });
  for (const sheet of document.querySelectorAll('link[rel="stylesheet"]')) {
    small.document.head.append(sheet.cloneNode());
  }
  small.document.title = document.title;
  small.document.body.className = "small-window";
  const home = element.parentElement;
  const place = document.createComment("");
  home?.insertBefore(place, element);
  small.document.body.append(element);
  picture.onMoved(true);
  small.addEventListener(
    "pagehide",
    () => {
      home?.insertBefore(element, place);
      place.remove();
      picture.onMoved(false);
      picture.onClosed();
    },
    { once: true },
  );
  return { close: () => small.close(), draw: () => {} };
}

async function floatVideo(picture: Picture): Promise<SmallWindow> {
  const canvas = document.createElement("canvas");
  picture.compose(canvas);
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  const drawn = canvas.captureStream();
  video.srcObject = drawn;
  const hidden = () => {
    video.srcObject = document.hidden ? picture.video.srcObject : drawn;
    void video.play();
  };
  await video.play();
  await video.requestPictureInPicture();
  document.addEventListener("visibilitychange", hidden);
  video.addEventListener(
    "leavepictureinpicture",
    () => {
      document.removeEventListener("visibilitychange", hidden);
      for (const track of drawn.getTracks()) track.stop();
      video.srcObject = null;
      picture.onClosed();
    },
    { once: true },
  );
  return {
    close: () => void document.exitPictureInPicture(),
    draw: () => {
      if (!document.hidden) picture.compose(canvas);
    },
  };
}

/** Pictures before they are sent: small, upright, and without what cameras write into files. */

/** Enough for any face that can be enrolled. */
const LONGEST_PX = 1600;
const QUALITY = 0.93;

/** A photograph as JPEG: turned upright, without place and time. As it is if it cannot be read. */
export async function prepared(file: Blob): Promise<Blob> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    // The server says what is wrong with it.
    return file.type === "image/png" ? file : new Blob([file], { type: "image/jpeg" });
  }
  const scale = Math.min(1, LONGEST_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return jpeg(canvas);
}

/** What a video shows now. */
export function captured(video: HTMLVideoElement): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return jpeg(canvas);
}

function jpeg(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error("the picture is empty")) : resolve(blob)),
      "image/jpeg",
      QUALITY,
    );
  });
}

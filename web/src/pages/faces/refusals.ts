/** Why a picture does not serve, as the server says it, sorted by what one can do about it. */

export type Refusal =
  | { readonly kind: "noFace" | "turned" | "blurred" | "noPicture" | "empty" }
  | { readonly kind: "several"; readonly count: number }
  | { readonly kind: "tooSmall"; readonly eyes: number; readonly least: number }
  /** Something else: the server's own words have to do. */
  | { readonly kind: "other"; readonly words: string };

export function refusalOf(message: string): Refusal {
  const several = /^(\d+) faces in /.exec(message);
  if (several !== null) return { kind: "several", count: Number(several[1]) };
  const small = /eyes are (\d+) pixels apart, at least (\d+)/.exec(message);
  if (small !== null) {
    return { kind: "tooSmall", eyes: Number(small[1]), least: Number(small[2]) };
  }
  if (message.startsWith("no face in")) return { kind: "noFace" };
  if (message.includes("turned too far")) return { kind: "turned" };
  if (message.includes("too blurred")) return { kind: "blurred" };
  if (message.endsWith("empty file")) return { kind: "empty" };
  if (/not a JPEG or PNG|no picture that can be read/.test(message)) return { kind: "noPicture" };
  return { kind: "other", words: message };
}

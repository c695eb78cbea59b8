/** Why a link did not let in: the server says so in the page's address. */

export type Reason = "" | "used" | "expired" | "revoked" | "invalid" | "ended" | "unavailable";

const KNOWN: readonly string[] = ["used", "expired", "revoked", "invalid", "ended", "unavailable"];

/** Takes the reason out of the address, so that it is neither kept nor passed on. */
export function takeReason(): Reason {
  const url = new URL(location.href);
  const told = url.searchParams.get("access");
  if (told === null) return "";
  url.searchParams.delete("access");
  history.replaceState(history.state, "", url);
  return KNOWN.includes(told) ? (told as Reason) : "";
}

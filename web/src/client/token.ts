/** The access token: from the page's own address once, then kept for this tab. */

const KEY = "livelens.token";

/** Takes `?token=` or `#token=` out of the address bar, so that it is not passed on with a link. */
export function takeToken(): string | null {
  const url = new URL(location.href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const given = fragment.get("token") ?? url.searchParams.get("token");
  if (given === null) return sessionStorage.getItem(KEY);
  url.searchParams.delete("token");
  fragment.delete("token");
  url.hash = fragment.toString();
  history.replaceState(null, "", url);
  keepToken(given);
  return given;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

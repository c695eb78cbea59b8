/** What a person wishes a link or token to grant, and where the link leads. */

import type { Action, Grant } from "../../client";

export interface Wish {
  /** Every stream, those to come too. */
  all: boolean;
  chosen: readonly string[];
  pattern: string;
  actions: readonly Action[];
}

/** Ids of streams, with wildcards. The server accepts the same. */
export function isPattern(text: string): boolean {
  return /^[A-Za-z0-9*?][A-Za-z0-9_.*?-]{0,63}$/.test(text);
}

export function grantsOf({ all, chosen, pattern, actions }: Wish): Grant[] {
  const names = all ? ["*"] : [...chosen, ...(pattern === "" ? [] : [pattern])];
  return names.map((stream) => ({ stream, actions: [...actions] }));
}

/** A link to a single stream leads to it, one for a camera to the camera's page. */
export function addressOf(base: string, link: string, grants: readonly Grant[]): string {
  const [first] = grants;
  const mayPublish = grants.some(({ actions }) => actions.includes("publish"));
  const single = grants.length === 1 && first !== undefined && !/[*?]/.test(first.stream);
  const place = mayPublish ? "#/camera" : single ? `#/watch/${first.stream}` : "";
  return `${base}${link}${place}`;
}

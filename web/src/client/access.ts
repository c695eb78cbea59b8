/** Who may use the server: signing in, tokens, shared links, the password. */

import type { Api } from "./api";

export type Action = "view" | "publish" | "control";

export interface Grant {
  /** A stream's id, or a pattern: `*` and `?` stand for other characters. */
  stream: string;
  actions: readonly Action[];
}

/** Why what was shown does not count. */
export type AccessFault = "" | "invalid" | "expired" | "revoked" | "ended";

/** Who asks, and what he may do. */
export interface SessionInfo {
  signed_in: boolean;
  name: string;
  kind: "password" | "token" | "share" | "local" | "";
  admin: boolean;
  grants: readonly Grant[];
  expires_unix_s: number | null;
  fault: AccessFault;
  /** The password is in the configuration, and cannot be changed here. */
  password_fixed: boolean;
}

/** Somebody who is signed in as the administrator. */
export interface SignedIn {
  id: string;
  own: boolean;
  created_unix_s: number;
  expires_unix_s: number;
  address: string;
  agent: string;
}

export interface TokenInfo {
  id: string;
  name: string;
  kind: "token" | "share";
  grants: readonly Grant[];
  created_unix_s: number;
  expires_unix_s: number;
  revoked: boolean;
}

export interface TokenWish {
  name: string;
  kind: "token" | "share";
  grants: readonly Grant[];
  expires_s: number;
}

/** A token that has just been made: the only time that it is told. */
export interface NewToken {
  info: TokenInfo;
  token: string;
  /** The query with which the page is opened. */
  link: string;
}

export async function sessionInfo(api: Api): Promise<SessionInfo> {
  return (await (await api.request("api/session")).json()) as SessionInfo;
}

/** Throws `ApiError`: 401 for a wrong password, 429 for too many of them. */
export async function signIn(api: Api, password: string): Promise<SessionInfo> {
  return (await (await send(api, "POST", "api/session", { password })).json()) as SessionInfo;
}

export async function signOut(api: Api): Promise<void> {
  await api.request("api/session", { method: "DELETE" });
}

/** Ends all other sessions. Throws `ApiError`: 422 if the present password is wrong. */
export async function changePassword(api: Api, password: string, to: string): Promise<void> {
  await send(api, "PUT", "api/password", { password, new: to });
}

export async function listSessions(api: Api): Promise<readonly SignedIn[]> {
  const told = (await (await api.request("api/sessions")).json()) as { sessions: SignedIn[] };
  return told.sessions;
}

export async function endSession(api: Api, id: string): Promise<void> {
  await api.request(`api/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function listTokens(api: Api): Promise<readonly TokenInfo[]> {
  const told = (await (await api.request("api/tokens")).json()) as { tokens: TokenInfo[] };
  return told.tokens;
}

export async function makeToken(api: Api, wish: TokenWish): Promise<NewToken> {
  return (await (await send(api, "POST", "api/tokens", wish)).json()) as NewToken;
}

export async function revokeToken(api: Api, id: string): Promise<void> {
  await api.request(`api/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/** A picture of a text that phones read. */
export async function qrCode(api: Api, text: string): Promise<Blob> {
  return (await send(api, "POST", "api/qr", { text })).blob();
}

/** Whether grants allow an action: on a stream, or without one on any. */
export function allows(grants: readonly Grant[], action: Action, stream?: string): boolean {
  return grants.some(
    (grant) =>
      (grant.actions.includes(action) ||
        (action === "view" && grant.actions.includes("control"))) &&
      (stream === undefined || matches(grant.stream, stream)),
  );
}

function matches(pattern: string, stream: string): boolean {
  const plain = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${plain.replaceAll("*", ".*").replaceAll("?", ".")}$`, "su").test(stream);
}

function send(api: Api, method: string, path: string, body: unknown): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return api.request(path, { method, headers, body: JSON.stringify(body) });
}

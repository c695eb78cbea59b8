import { afterEach, expect, it, vi } from "vitest";
import { Api, iceServersIn } from "../../src/client/api";
import { pauseMs } from "../../src/client/backoff";
import { ApiError, Unreachable } from "../../src/client/errors";
import { parseMessage } from "../../src/client/types";

afterEach(() => vi.unstubAllGlobals());

function answer(response: Response) {
  const fetched = vi.fn(async (_url: string, _init: RequestInit) => response);
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

it("shows the token and keeps to the page's own folder", async () => {
  const fetched = answer(Response.json({ streams: [] }));
  await new Api("http://127.0.0.1/lens/", "secret").streams();
  const [url, init] = fetched.mock.calls[0] ?? [];
  expect(url).toBe("http://127.0.0.1/lens/api/streams");
  expect(new Headers(init?.headers).get("Authorization")).toBe("Bearer secret");
});

it("tells what the server says, and when to come back", async () => {
  answer(
    Response.json({ error: "all is taken" }, { status: 503, headers: { "Retry-After": "7" } }),
  );
  const fault = await new Api("http://127.0.0.1/").streams().catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(ApiError);
  expect(fault).toMatchObject({ status: 503, message: "all is taken", retryAfterS: 7 });
});

it("tells a server that is gone from one that refuses", async () => {
  vi.stubGlobal("fetch", async () => {
    throw new TypeError("failed");
  });
  await expect(new Api("http://127.0.0.1/").streams()).rejects.toBeInstanceOf(Unreachable);
});

it("reads ICE servers from Link headers", () => {
  const link =
    '<stun:10.0.0.1:3478>; rel="ice-server", <turn:10.0.0.1?transport=udp>; rel="ice-server"; ' +
    'username="u"; credential="p,q"; credential-type="password", <https://10.0.0.1/>; rel="next"';
  expect(iceServersIn(link)).toEqual([
    { urls: "stun:10.0.0.1:3478" },
    { urls: "turn:10.0.0.1?transport=udp", username: "u", credential: "p,q" },
  ]);
  expect(iceServersIn("")).toEqual([]);
});

it("waits longer after each failure, up to a bound", () => {
  expect(pauseMs(1, 0.5)).toBe(300);
  expect(pauseMs(2, 0.5)).toBe(600);
  expect(pauseMs(50, 0.5)).toBe(5000);
  expect(pauseMs(50, 0.999)).toBeLessThan(6250);
});

it("takes only messages for messages", () => {
  expect(parseMessage('{"type":"problem","message":"m"}')).toMatchObject({ message: "m" });
  for (const text of ["", "null", "[]", "7", '{"type":"other"}', "{"])
    expect(parseMessage(text)).toBeNull();
});

it("ends later what it could not end without a network", async () => {
  let up = false;
  const fetched = vi.fn(async (_url: string, _init?: RequestInit) => {
    if (!up) throw new TypeError("failed");
    return new Response(null, { status: 200 });
  });
  vi.stubGlobal("fetch", fetched);
  const api = new Api("http://127.0.0.1/");
  api.end("whip/desk/1");
  await api.endLeft();
  const before = fetched.mock.calls.length;
  up = true;
  await api.endLeft();
  expect(fetched.mock.calls.length).toBe(before + 1);
  expect(fetched.mock.calls.at(-1)?.[1]?.method).toBe("DELETE");
  await api.endLeft();
  expect(fetched.mock.calls.length).toBe(before + 1);
});

import { afterEach, expect, it, vi } from "vitest";
import { connect } from "../../src/client/client";
import { ApiError } from "../../src/client/errors";

afterEach(() => vi.unstubAllGlobals());

const RESULT = { type: "result", seq: 1, objects: [] };

function serve(...answers: (() => Response)[]) {
  const fetched = vi.fn(async (_url: string, _init?: RequestInit) => {
    const next = answers.length > 1 ? answers.shift() : answers[0];
    if (next === undefined) throw new TypeError("nothing to say");
    return next();
  });
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

const events = (...messages: object[]) => {
  const text = messages.map((each) => `event: x\ndata: ${JSON.stringify(each)}\n\n`).join("");
  return () => new Response(text, { headers: { "Content-Type": "text/event-stream" } });
};

it("gives results one by one and connects again when the server ends them", async () => {
  const fetched = serve(
    events({ type: "state", state: "running" }, RESULT),
    events({ ...RESULT, seq: 2 }),
  );
  const client = connect({ url: "http://camera.example/lens", token: "secret" });
  const seen: number[] = [];
  for await (const result of client.results("my door", { class: ["person", "cat"] })) {
    seen.push(result.seq);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual([1, 2]);
  const [url, init] = fetched.mock.calls[0] ?? [];
  expect(url).toBe(
    "http://camera.example/lens/api/streams/my%20door/results?class=person&class=cat",
  );
  expect(new Headers(init?.headers).get("Authorization")).toBe("Bearer secret");
});

it("throws what the server refuses for good", async () => {
  serve(() => Response.json({ error: "no stream 'x'" }, { status: 404 }));
  const first = connect({ url: "http://camera.example" }).results("x").next();
  await expect(first).rejects.toBeInstanceOf(ApiError);
});

it("ends with its signal", async () => {
  const ended = new AbortController();
  serve(events(RESULT));
  const states: string[] = [];
  const client = connect({ url: "http://camera.example" });
  const options = { signal: ended.signal, onState: (state: string) => states.push(state) };
  for await (const result of client.results("x", options)) {
    expect(result.seq).toBe(1);
    ended.abort();
  }
  expect(states).toEqual(["connecting", "live", "closed"]);
});

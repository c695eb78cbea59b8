import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiError, ConnectionLost, NoCodec, Unreachable } from "../../src/client/errors";
import { Link, type LinkState, worthRetrying } from "../../src/client/keep";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A server whose answers are given one by one. */
class Attempts {
  readonly told: [LinkState, string | null][] = [];
  readonly closed: number[] = [];
  count = 0;
  lose: () => void = () => {};

  constructor(private readonly answers: (Error | null)[]) {}

  link(options: { signal?: AbortSignal; wait?: boolean } = {}) {
    return new Link(
      async (_signal, onLost) => {
        const answer = this.answers[Math.min(this.count, this.answers.length - 1)];
        const number = this.count++;
        if (answer) throw answer;
        this.lose = onLost;
        return { close: () => this.closed.push(number) };
      },
      { ...options, onState: (state, error) => this.told.push([state, error?.name ?? null]) },
    );
  }
}

async function settle(ms = 0) {
  await vi.advanceTimersByTimeAsync(ms);
}

it("tries until the server answers, and again after a loss", async () => {
  const attempts = new Attempts([new Unreachable(), null]);
  const link = attempts.link();
  await settle(10_000);
  expect(attempts.told).toEqual([
    ["connecting", null],
    ["connecting", "Unreachable"],
    ["live", null],
  ]);
  attempts.lose();
  await settle(10_000);
  expect(attempts.told.slice(3)).toEqual([
    ["reconnecting", "ConnectionLost"],
    ["live", null],
  ]);
  expect(attempts.closed).toEqual([1]);
  link.close();
  await settle();
  expect(link.state).toBe("closed");
  expect(link.error).toBeNull();
  expect(attempts.closed).toContain(2);
  const tries = attempts.count;
  await settle(60_000);
  expect(attempts.count).toBe(tries);
});

it("gives up what is no use, and says why", async () => {
  const attempts = new Attempts([new ApiError(403, "not yours")]);
  const link = attempts.link();
  await settle(60_000);
  expect(attempts.count).toBe(1);
  expect(link.state).toBe("closed");
  expect(link.error).toMatchObject({ status: 403, message: "not yours" });
});

it("knows what may pass", () => {
  const taken = new ApiError(409, "taken");
  const gone = new ApiError(404, "gone");
  expect(worthRetrying(taken, false, false)).toBe(false);
  expect(worthRetrying(taken, true, false)).toBe(true);
  expect(worthRetrying(gone, false, false)).toBe(false);
  expect(worthRetrying(gone, false, true)).toBe(true);
  expect(worthRetrying(new ApiError(503, "full"), false, false)).toBe(true);
  expect(worthRetrying(new ApiError(401, "who"), true, true)).toBe(false);
  expect(worthRetrying(new NoCodec("AV1"), true, true)).toBe(false);
  expect(worthRetrying(new ConnectionLost(), true, false)).toBe(true);
});

it("waits as long as the server asks, unless told to try now", async () => {
  const attempts = new Attempts([new ApiError(503, "full", 30)]);
  const link = attempts.link();
  await settle(20_000);
  expect(attempts.count).toBe(1);
  link.retry();
  await settle();
  expect(attempts.count).toBe(2);
  await settle(31_000);
  expect(attempts.count).toBe(3);
  link.close();
});

it("closes with its signal", async () => {
  const ended = new AbortController();
  const attempts = new Attempts([null]);
  const link = attempts.link({ signal: ended.signal });
  await settle();
  ended.abort();
  await settle();
  expect(link.state).toBe("closed");
  expect(attempts.closed.length).toBeGreaterThan(0);
  const never = new Attempts([null]).link({ signal: AbortSignal.abort() });
  await settle();
  expect(never.state).toBe("closed");
});

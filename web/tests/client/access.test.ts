import { describe, expect, it } from "vitest";
import { allows, type Grant } from "../../src/client/access";

const street: Grant = { stream: "street*", actions: ["view"] };

describe("what grants allow", () => {
  it("compares ids as the server does", () => {
    expect(allows([street], "view", "street1")).toBe(true);
    expect(allows([street], "view", "Street1")).toBe(false);
    expect(allows([street], "view", "backstreet1")).toBe(false);
    expect(allows([{ stream: "a.b", actions: ["view"] }], "view", "axb")).toBe(false);
    expect(allows([{ stream: "cam?", actions: ["view"] }], "view", "cam1")).toBe(true);
    expect(allows([{ stream: "cam?", actions: ["view"] }], "view", "cam12")).toBe(false);
  });

  it("lets who controls view, and nobody else more than he was given", () => {
    expect(allows([{ stream: "*", actions: ["control"] }], "view", "a")).toBe(true);
    expect(allows([street], "control", "street1")).toBe(false);
    expect(allows([{ stream: "*", actions: ["publish"] }], "view")).toBe(false);
    expect(allows([street], "view")).toBe(true);
    expect(allows([], "view")).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { browserName } from "../../src/pages/access/browser-name";
import { addressOf, grantsOf, isPattern } from "../../src/pages/access/wish";

describe("a wish", () => {
  it("becomes one grant for each stream and pattern", () => {
    const wish = { all: false, chosen: ["a", "b"], pattern: "cam*", actions: ["view"] as const };
    expect(grantsOf(wish).map(({ stream }) => stream)).toEqual(["a", "b", "cam*"]);
    expect(grantsOf({ ...wish, all: true })).toEqual([{ stream: "*", actions: ["view"] }]);
    expect(grantsOf({ ...wish, chosen: [], pattern: "" })).toEqual([]);
  });

  it("takes the patterns that the server takes", () => {
    for (const good of ["a", "street*", "*", "?am-1", "a.b_c"]) expect(isPattern(good)).toBe(true);
    for (const bad of ["", "a/b", "[a]", "-a", "straße", "a b", "x".repeat(65)]) {
      expect(isPattern(bad)).toBe(false);
    }
  });

  it("leads to what it is for", () => {
    const base = "https://lens.example/wall/";
    const to = (stream: string, ...actions: ("view" | "publish")[]) =>
      addressOf(base, "?token=x", [{ stream, actions }]);
    expect(to("lobby", "view")).toBe(`${base}?token=x#/watch/lobby`);
    expect(to("lobby*", "view")).toBe(`${base}?token=x`);
    expect(to("lobby", "view", "publish")).toBe(`${base}?token=x#/camera`);
  });
});

describe("the name of a browser", () => {
  it("is what people call it", () => {
    const names: Record<string, string> = {
      "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0": "Firefox, Linux",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1":
        "Safari, iPhone",
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0":
        "Edge, Windows",
      "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36":
        "Chrome, Android",
      "curl/8.5.0": "curl/8.5.0",
      "": "",
    };
    for (const [agent, name] of Object.entries(names)) expect(browserName(agent)).toBe(name);
  });
});

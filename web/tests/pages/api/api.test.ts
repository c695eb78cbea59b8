import { expect, it } from "vitest";
import { addressOf, type Document, groupsOf } from "../../../src/pages/api/openapi";
import { exampleOf, linesOf, type Schemas, typeOf } from "../../../src/pages/api/schema";
import { snippets } from "../../../src/pages/api/snippets";

const SCHEMAS: Schemas = {
  Thing: {
    type: "object",
    required: ["id"],
    properties: {
      id: { type: "string", description: "Its name.\n\nMore of it." },
      size_px: {
        anyOf: [
          { type: "array", prefixItems: [{ type: "integer" }, { type: "integer" }] },
          { type: "null" },
        ],
      },
      parts: { type: "array", items: { $ref: "#/components/schemas/Thing" } },
      state: { enum: ["up", "down"] },
      by: { type: "object", additionalProperties: { type: "number" } },
      wait_s: { type: "number", default: 3 },
    },
  },
};
const THING = { $ref: "#/components/schemas/Thing" };

it("says in few words what a field is", () => {
  const types = Object.fromEntries(linesOf(THING, SCHEMAS).map((line) => [line.name, line.type]));
  expect(types).toEqual({
    id: "string",
    size_px: "[integer, integer] or null",
    parts: "list of object",
    state: '"up" | "down"',
    by: "object of number",
    wait_s: "number",
  });
  expect(typeOf({}, SCHEMAS)).toBe("anything");
});

it("opens what consists of more, however deep", () => {
  const [id, , parts] = linesOf(THING, SCHEMAS);
  expect(id).toMatchObject({ required: true, hasParts: false, description: "Its name." });
  expect(parts?.hasParts).toBe(true);
  expect(parts?.parts().map(({ name }) => name)).toContain("state");
});

it("makes an example that ends", () => {
  const example = exampleOf(THING, SCHEMAS) as Record<string, unknown>;
  expect(example).toMatchObject({
    id: "",
    size_px: [0, 0],
    state: "up",
    by: { name: 0 },
    wait_s: 3,
  });
  expect(JSON.stringify(example).length).toBeLessThan(5000);
});

it("groups calls and builds their addresses", () => {
  const answer = { "200": { description: "OK" }, "404": { description: "Not Found" } };
  const get = (operationId: string, ...names: ["path" | "query", string][]) => ({
    get: {
      operationId,
      parameters: names.map(([where, name]) => ({ in: where, name })),
      responses: answer,
    },
  });
  const document: Document = {
    info: { title: "Livelens", version: "1" },
    components: { schemas: SCHEMAS },
    paths: {
      "/healthz": get("h"),
      "/api/streams/{stream}/results": get("r", ["path", "stream"], ["query", "class"]),
      "/api/history.csv": get("c"),
    },
  };
  const groups = groupsOf(document);
  expect(groups.map(({ name }) => name)).toEqual(["server", "streams", "history"]);
  const [call] = groups[1]?.calls ?? [];
  if (call === undefined) throw new Error("no call");
  expect(addressOf(call, { stream: "my door", class: "a&b" })).toBe(
    "api/streams/my%20door/results?class=a%26b",
  );
  expect(() => addressOf(call, {})).toThrow("stream");
  expect(call.errors).toEqual([["404", "Not Found"]]);
});

it("leaves the token out where none is wanted", () => {
  const texts = snippets({ base: "http://127.0.0.1:8080/", stream: "door", token: null });
  for (const text of Object.values(texts)) expect(text).not.toMatch(/token|bearer/i);
  const shown = snippets({ base: "http://127.0.0.1:8080/", stream: "door", token: "abc" });
  for (const text of Object.values(shown)) expect(text).toContain("abc");
});

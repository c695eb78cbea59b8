import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, expect, it } from "vitest";
import { declarationsOf } from "../../declarations.ts";

const ENTRY = resolve(import.meta.dirname, "../../src/client/livelens.ts");
const LIB = ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts"];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "livelens-types-"));
  writeFileSync(join(folder, "livelens.d.ts"), declarationsOf(ENTRY));
}, 30_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** What the compiler has to say about a page that uses the client. */
function faults(text: string): string[] {
  const file = join(folder, "page.ts");
  writeFileSync(file, text);
  const program = ts.createProgram([file], {
    lib: LIB,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    types: [],
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
}

it("serves a page in TypeScript, without anything else of ours", () => {
  const page = `
    import { ApiError, connect, type Publisher, type Result, Unreachable } from "./livelens.js";
    const client = connect({ url: new URL("http://127.0.0.1:8080"), token: null });
    export async function all(video: HTMLVideoElement, media: MediaStream): Promise<void> {
      for (const { id, state } of await client.streams()) console.log(id.length, state === "running");
      const viewer = client.watch("door", {
        rendition: "annotated",
        onMessage: (message) => {
          if (message.type === "result") console.log(message.objects.map((one) => one.box[0] / 2));
        },
        onState: (state, error) => {
          if (error instanceof ApiError && error.status === 404) console.log(error.message);
          if (error instanceof Unreachable) console.log(state);
        },
      });
      video.srcObject = viewer.media;
      const publisher: Publisher = client.publish("desk", media, { preset: "faces", codec: "VP8" });
      await publisher.limit({ maxBitrateBps: 500_000, fps: null });
      console.log((await publisher.stats())?.rttMs?.toFixed(1));
      for await (const result of client.results("door", { class: ["person"] })) show(result);
    }
    function show(result: Result): void { console.log(result.seq + 1); }
  `;
  expect(faults(page)).toEqual([]);
}, 30_000);

it("says what is wrong with one, and keeps its own parts to itself", () => {
  const page = `
    import { connect, openSession, type Publisher } from "./livelens.js";
    const client = connect({ uri: "http://127.0.0.1:8080" });
    new Publisher(client.api, "x", new MediaStream());
    console.log(openSession);
  `;
  const told = faults(page).join("\n");
  expect(told).toContain("'uri' does not exist");
  expect(told).toContain("'Publisher' cannot be used as a value");
  expect(told).toContain("'openSession'");
}, 30_000);

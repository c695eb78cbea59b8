import { expect, it } from "vitest";
import { EventCutter } from "../../src/client/sse";

it("cuts events however the text is torn", () => {
  const text = 'event: result\ndata: {"a":1}\n\n: hold the line\n\ndata: one\ndata:two\r\n\r\n';
  for (const size of [1, 2, 3, 7, text.length]) {
    const cutter = new EventCutter();
    const events: string[] = [];
    for (let at = 0; at < text.length; at += size) {
      events.push(...cutter.push(text.slice(at, at + size)));
    }
    expect(events).toEqual(['{"a":1}', "one\ntwo"]);
  }
});

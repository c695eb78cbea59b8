/** JSON in lines of coloured parts, as people read it. */

export interface Part {
  kind: "key" | "text" | "number" | "word" | "mark";
  words: string;
}

/** What is on a line, and how far it is indented. */
export interface Line {
  depth: number;
  parts: Part[];
}

/** Lists of numbers up to this many stand on one line. */
const ON_ONE_LINE = 12;

const mark = (words: string): Part => ({ kind: "mark", words });

/** Lists longer than `most` are cut, and say so; null cuts none. */
export function jsonLines(value: unknown, most: number | null): Line[] {
  const lines: Line[] = [{ depth: 0, parts: [] }];
  write(value, 0, lines, most, "");
  return lines;
}

function write(
  value: unknown,
  depth: number,
  lines: Line[],
  most: number | null,
  end: string,
): void {
  const last = lines[lines.length - 1];
  if (last === undefined) return;
  if (Array.isArray(value)) {
    if (isShort(value)) last.parts.push({ kind: "number", words: flat(value) }, mark(end));
    else writeList(value, depth, lines, most, end);
  } else if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value);
    if (fields.length === 0) {
      last.parts.push(mark(`{}${end}`));
      return;
    }
    last.parts.push(mark("{"));
    fields.forEach(([key, each], i) => {
      const parts: Part[] = [{ kind: "key", words: JSON.stringify(key) }, mark(": ")];
      lines.push({ depth: depth + 1, parts });
      write(each, depth + 1, lines, most, i < fields.length - 1 ? "," : "");
    });
    lines.push({ depth, parts: [mark(`}${end}`)] });
  } else {
    last.parts.push(scalar(value));
    if (end !== "") last.parts.push(mark(end));
  }
}

function writeList(
  list: readonly unknown[],
  depth: number,
  lines: Line[],
  most: number | null,
  end: string,
): void {
  lines[lines.length - 1]?.parts.push(mark("["));
  const shown = most === null ? list : list.slice(0, most);
  shown.forEach((each, i) => {
    lines.push({ depth: depth + 1, parts: [] });
    write(each, depth + 1, lines, most, i < list.length - 1 ? "," : "");
  });
  if (shown.length < list.length) {
    lines.push({ depth: depth + 1, parts: [mark(`… + ${list.length - shown.length}`)] });
  }
  lines.push({ depth, parts: [mark(`]${end}`)] });
}

function scalar(value: unknown): Part {
  const words = JSON.stringify(value) ?? "null";
  if (typeof value === "string") return { kind: "text", words };
  if (typeof value === "number") return { kind: "number", words };
  return { kind: "word", words };
}

function isShort(list: readonly unknown[]): boolean {
  return list.length <= ON_ONE_LINE && list.every((each) => typeof each === "number");
}

function flat(list: readonly unknown[]): string {
  return `[${list.join(", ")}]`;
}

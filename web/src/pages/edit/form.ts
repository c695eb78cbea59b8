/** Forms from the JSON Schema of settings, as `GET /api/algorithms` gives it. */

/** Anything that JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };
export type Settings = { readonly [key: string]: Json };

export type Control =
  | {
      readonly kind: "number";
      readonly integer: boolean;
      readonly least: number | null;
      readonly most: number | null;
      readonly above: boolean;
    }
  | { readonly kind: "switch" }
  | { readonly kind: "choice"; readonly options: readonly Json[] }
  /** A number, or one of a few words. */
  | {
      readonly kind: "number-or-word";
      readonly words: readonly string[];
      readonly least: number | null;
      readonly most: number | null;
    }
  | { readonly kind: "text" }
  /** A list of words out of those given; without them, of any. */
  | { readonly kind: "words"; readonly options: readonly string[] | null }
  | { readonly kind: "group"; readonly fields: readonly Field[] }
  /** So many numbers: a place, a box. */
  | { readonly kind: "numbers"; readonly limits: readonly Limits[] }
  /** Any count of such; with words, one of these in their stead. */
  | {
      readonly kind: "rows";
      readonly limits: readonly Limits[];
      readonly words: readonly string[];
    }
  /** A number for each of any names. */
  | { readonly kind: "mapping"; readonly limits: Limits }
  /** Whatever has no control of its own is written as JSON. */
  | { readonly kind: "json" };

/** What a number of several may be. */
export interface Limits {
  readonly least: number | null;
  readonly most: number | null;
}

export interface Field {
  readonly key: string;
  readonly description: string;
  /** May be left out for what the algorithm thinks best. */
  readonly optional: boolean;
  /** What counts where nothing is set. */
  readonly fallback: Json;
  readonly control: Control;
}

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  enum?: readonly Json[];
  anyOf?: readonly Schema[];
  items?: Schema | false;
  prefixItems?: readonly Schema[];
  additionalProperties?: Schema | boolean;
  properties?: Record<string, Schema>;
  description?: string;
  default?: Json;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

/** The fields of the object that a schema describes, in its order. */
export function fieldsOf(schema: unknown): Field[] {
  const root = schema as Schema;
  const defs = root.$defs ?? {};
  return Object.entries(resolved(root, defs).properties ?? {}).map(([key, part]) =>
    field(key, part, defs),
  );
}

/** Without what says no more than the default does: what a person would have written. */
export function trimmed(settings: Settings, fields: readonly Field[]): Settings {
  const told = new Map(fields.map((each) => [each.key, each]));
  return Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => {
      const known = told.get(key);
      return known === undefined || !same(value, known.fallback);
    }),
  );
}

export function same(a: Json, b: Json): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** How finely a slider moves over this range. */
export function stepOf(least: number, most: number, integer: boolean): number {
  if (integer) return 1;
  const range = most - least;
  if (range <= 1) return 0.01;
  return range <= 10 ? 0.05 : range <= 120 ? 0.5 : 1;
}

/** Whether a slider serves: one over ten thousand numbers is no help. */
export function slides(
  control: Control,
): control is Extract<Control, { kind: "number" }> & { least: number; most: number } {
  if (control.kind !== "number" || control.least === null || control.most === null) return false;
  return control.most - control.least <= (control.integer ? 256 : 60);
}

/** What the server says of a setting, as a sentence for people who write no Python. */
export function hintOf(description: string): string {
  const plain = description.replaceAll("`", "").replace(/\bNone\b/g, "empty");
  return plain.replace(/(^|\. )([a-z])/g, (_, before: string, letter: string) => {
    return before + letter.toUpperCase();
  });
}

/** The name of a setting that we have no words for: `wait_time_s` as "Wait time (s)". */
export function spelled(key: string): string {
  const words = key.replaceAll("_", " ").replace(/ (s|ms|px)$/, " ($1)");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function field(key: string, part: Schema, defs: Record<string, Schema>): Field {
  const ways = (part.anyOf ?? [part]).map((each) => resolved(each, defs));
  const real = ways.filter(({ type }) => type !== "null");
  return {
    key,
    description: part.description ?? "",
    optional: real.length < ways.length,
    fallback: part.default ?? null,
    control: controlOf(real, defs),
  };
}

function controlOf(ways: readonly Schema[], defs: Record<string, Schema>): Control {
  const [only, ...others] = ways;
  if (only === undefined) return { kind: "json" };
  if (others.length > 0) return mixed(ways, defs);
  if (only.enum !== undefined) return { kind: "choice", options: only.enum };
  switch (only.type) {
    case "boolean":
      return { kind: "switch" };
    case "integer":
    case "number":
      return {
        kind: "number",
        integer: only.type === "integer",
        least: only.minimum ?? only.exclusiveMinimum ?? null,
        most: only.maximum ?? only.exclusiveMaximum ?? null,
        above: only.minimum === undefined && only.exclusiveMinimum !== undefined,
      };
    case "string":
      return { kind: "text" };
    case "array":
      return list(only, defs);
    case "object":
      if (only.properties === undefined) return mapping(only, defs);
      return {
        kind: "group",
        fields: Object.entries(only.properties ?? {}).map(([key, part]) => field(key, part, defs)),
      };
    default:
      return { kind: "json" };
  }
}

function mixed(ways: readonly Schema[], defs: Record<string, Schema>): Control {
  const words = ways.find((each) => each.enum?.every((word) => typeof word === "string"));
  const count = ways.find(({ type }) => type === "integer" || type === "number");
  if (ways.length !== 2 || words?.enum === undefined) return { kind: "json" };
  const many = ways.find(({ type }) => type === "array");
  const rows = many === undefined ? null : list(many, defs);
  if (rows?.kind === "rows") return { ...rows, words: words.enum as readonly string[] };
  if (count === undefined) return { kind: "json" };
  return {
    kind: "number-or-word",
    words: words.enum as readonly string[],
    least: count.minimum ?? null,
    most: count.maximum ?? null,
  };
}

function list(schema: Schema, defs: Record<string, Schema>): Control {
  const fixed = limitsOf(schema, defs);
  if (fixed !== null) return { kind: "numbers", limits: fixed };
  const items = schema.items ? resolved(schema.items, defs) : {};
  const limits = limitsOf(items, defs);
  if (limits !== null) return { kind: "rows", limits, words: [] };
  const words = items.enum?.filter((each) => typeof each === "string");
  if (words !== undefined) return { kind: "words", options: words };
  return items.type === "string" ? { kind: "words", options: null } : { kind: "json" };
}

/** Of a list of so many numbers; null for anything else. */
function limitsOf(schema: Schema, defs: Record<string, Schema>): Limits[] | null {
  const parts = (schema.prefixItems ?? []).map((each) => resolved(each, defs));
  const numbers = parts.every(({ type }) => type === "number" || type === "integer");
  if (schema.type !== "array" || parts.length === 0 || !numbers) return null;
  return parts.map(({ minimum, maximum }) => ({ least: minimum ?? null, most: maximum ?? null }));
}

function mapping(schema: Schema, defs: Record<string, Schema>): Control {
  const { additionalProperties: each } = schema;
  if (typeof each !== "object") return { kind: "group", fields: [] };
  const { type, minimum, maximum } = resolved(each, defs);
  if (type !== "number" && type !== "integer") return { kind: "json" };
  return { kind: "mapping", limits: { least: minimum ?? null, most: maximum ?? null } };
}

function resolved(schema: Schema, defs: Record<string, Schema>): Schema {
  if (schema.$ref === undefined) return schema;
  return defs[schema.$ref.replace("#/$defs/", "")] ?? {};
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

/** JSON Schemas of the API as trees that people read, and examples made from them. */

export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  format?: string;
  contentMediaType?: string;
  minimum?: number;
  maximum?: number;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: Schema | boolean;
  items?: Schema | boolean;
  prefixItems?: readonly Schema[];
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
}

export type Schemas = Readonly<Record<string, Schema>>;

/** One line of a tree. */
export interface Line {
  name: string;
  type: string;
  description: string;
  required: boolean;
  /** What it consists of; lazily, since schemas may hold themselves. */
  parts: () => Line[];
  hasParts: boolean;
}

const PREFIX = "#/components/schemas/";
const MOST_EXAMPLE_DEPTH = 6;

export function resolved(schema: Schema, all: Schemas): Schema {
  if (schema.$ref === undefined) return schema;
  const found = all[schema.$ref.replace(PREFIX, "")];
  return found === undefined
    ? {}
    : { ...found, ...(schema.description ? { description: schema.description } : {}) };
}

/** The alternatives without null, and whether null is one. */
function alternatives(schema: Schema, all: Schemas): { kinds: Schema[]; nullable: boolean } {
  const listed = (schema.anyOf ?? schema.oneOf ?? [schema]).map((each) => resolved(each, all));
  return {
    kinds: listed.filter(({ type }) => type !== "null"),
    nullable: listed.some(({ type }) => type === "null"),
  };
}

/** In a few words: `[integer, integer] or null`. */
export function typeOf(schema: Schema, all: Schemas): string {
  const { kinds, nullable } = alternatives(resolved(schema, all), all);
  const words = [...new Set(kinds.map((each) => kindOf(each, all)))];
  return [...(words.length > 0 ? words : ["anything"]), ...(nullable ? ["null"] : [])].join(" or ");
}

function kindOf(schema: Schema, all: Schemas): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.type === "array") {
    if (schema.prefixItems !== undefined)
      return `[${schema.prefixItems.map((each) => typeOf(each, all)).join(", ")}]`;
    const items = typeof schema.items === "object" ? typeOf(schema.items, all) : "anything";
    return `list of ${items}`;
  }
  if (schema.properties === undefined && typeof schema.additionalProperties === "object")
    return `object of ${typeOf(schema.additionalProperties, all)}`;
  if (schema.contentMediaType !== undefined) return "bytes";
  if (schema.type === undefined) return schema.properties ? "object" : "anything";
  return [schema.type].flat().join(" or ");
}

/** What the lines below a schema stand for: the fields of it, or of what it is a list of. */
function fieldsOf(schema: Schema, all: Schemas): [string, Schema, boolean][] {
  const { kinds } = alternatives(resolved(schema, all), all);
  const fields = new Map<string, [string, Schema, boolean]>();
  for (const kind of kinds) {
    for (const [name, field] of Object.entries(kind.properties ?? {}))
      fields.set(name, [name, field, kind.required?.includes(name) ?? false]);
    const inner = typeof kind.items === "object" ? kind.items : kind.additionalProperties;
    if (kind.properties === undefined && typeof inner === "object")
      for (const field of fieldsOf(inner, all)) fields.set(field[0], field);
  }
  return [...fields.values()];
}

export function linesOf(schema: Schema, all: Schemas): Line[] {
  return fieldsOf(schema, all).map(([name, field, required]) => ({
    name,
    type: typeOf(field, all),
    description: firstLine(field.description ?? ""),
    required,
    parts: () => linesOf(field, all),
    hasParts: fieldsOf(field, all).length > 0,
  }));
}

function firstLine(text: string): string {
  return (
    text
      .split(/\n\s*\n/)[0]
      ?.replace(/\s+/g, " ")
      .trim() ?? ""
  );
}

/** A value as it might be. */
export function exampleOf(schema: Schema, all: Schemas, depth = 0): unknown {
  const whole = resolved(schema, all);
  if (whole.default !== undefined && whole.default !== null) return whole.default;
  const [kind] = alternatives(whole, all).kinds;
  if (kind === undefined) return null;
  if (kind.const !== undefined) return kind.const;
  if (kind.enum !== undefined) return kind.enum[0];
  if (depth >= MOST_EXAMPLE_DEPTH) return null;
  const deeper = (each: Schema) => exampleOf(each, all, depth + 1);
  switch ([kind.type].flat()[0]) {
    case "object":
    case undefined: {
      if (kind.properties !== undefined)
        return Object.fromEntries(
          Object.entries(kind.properties).map(([name, field]) => [name, deeper(field)]),
        );
      return typeof kind.additionalProperties === "object"
        ? { name: deeper(kind.additionalProperties) }
        : {};
    }
    case "array":
      if (kind.prefixItems !== undefined) return kind.prefixItems.map(deeper);
      return typeof kind.items === "object" ? [deeper(kind.items)] : [];
    case "integer":
    case "number":
      return kind.minimum ?? 0;
    case "boolean":
      return false;
    default:
      return "";
  }
}

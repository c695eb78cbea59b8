/** The types of a library in one file, which a page of somebody else's can take as it is. */

import { dirname, resolve } from "node:path";
import ts from "typescript";

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  types: [],
  strict: true,
  declaration: true,
  emitDeclarationOnly: true,
  skipLibCheck: true,
};

interface Declaration {
  name: string;
  text: string;
  /** All names in it: those of other declarations too. */
  words: ReadonlySet<string>;
}

/** Declarations of what `entry` exports by name, and of all that these need. */
export function declarationsOf(entry: string): string {
  const declarations: Declaration[] = [];
  const exported = new Map<string, string>();
  for (const source of declarationFiles(entry)) {
    for (const statement of source.statements) {
      if (ts.isExportDeclaration(statement)) {
        if (source.fileName !== resolve(entry.replace(/\.ts$/, ".d.ts"))) continue;
        for (const [name, words] of exportsOf(statement)) exported.set(name, words);
      } else if (!ts.isImportDeclaration(statement)) {
        declarations.push(declarationOf(statement, source));
      }
    }
  }
  const needed = needs(declarations, [...exported.keys()]);
  const texts = declarations.filter((each) => needed.has(each)).map(({ text }) => text.trim());
  return `${texts.join("\n\n")}\n\nexport {\n  ${[...exported.values()].join(",\n  ")},\n};\n`;
}

/** Those of each module that the entry imports. */
function declarationFiles(entry: string): ts.SourceFile[] {
  const program = ts.createProgram([entry], OPTIONS);
  const faults = ts.getPreEmitDiagnostics(program);
  if (faults.length > 0) {
    const folder = dirname(entry);
    throw new Error(
      ts.formatDiagnostics(faults, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => folder,
        getNewLine: () => "\n",
      }),
    );
  }
  const made: ts.SourceFile[] = [];
  program.emit(undefined, (path, text) => {
    made.push(ts.createSourceFile(resolve(path), text, ts.ScriptTarget.Latest, true));
  });
  return made;
}

function exportsOf(statement: ts.ExportDeclaration): [string, string][] {
  const { exportClause } = statement;
  if (exportClause === undefined || !ts.isNamedExports(exportClause)) {
    throw new Error(`the entry of a library names what it exports: ${statement.getText()}`);
  }
  return exportClause.elements.map((element) => {
    const type = statement.isTypeOnly || element.isTypeOnly;
    return [element.name.text, type ? `type ${element.name.text}` : element.name.text];
  });
}

/** A statement without its `export`; its comments stay, since an editor shows them. */
function declarationOf(statement: ts.Statement, source: ts.SourceFile): Declaration {
  const words = new Set<string>();
  const look = (node: ts.Node) => {
    if (ts.isIdentifier(node)) words.add(node.text);
    ts.forEachChild(node, look);
  };
  look(statement);
  const [declared] = ts.isVariableStatement(statement)
    ? statement.declarationList.declarations
    : [statement as ts.DeclarationStatement];
  const name = declared?.name?.getText(source) ?? "";
  // A module's own comment stands before the first statement's, and tells nothing to others.
  const comments = ts.getLeadingCommentRanges(source.text, statement.getFullStart()) ?? [];
  const comment = comments.at(-1);
  const told = comment === undefined ? "" : `${source.text.slice(comment.pos, comment.end)}\n`;
  const plain = statement.getText(source).replace(/^export (declare )?/, "");
  const typeOnly = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
  return { name, text: told + (typeOnly ? plain : `declare ${plain}`), words };
}

function needs(declarations: readonly Declaration[], names: readonly string[]): Set<Declaration> {
  const needed = new Set<Declaration>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const found = declarations.find((each) => each.name === name);
    if (found === undefined || needed.has(found)) continue;
    needed.add(found);
    open.push(...found.words);
  }
  return needed;
}

import type * as TypeScript from "typescript";

/** Names of values that a declaration statement introduces. */
function valueNames(ts: typeof TypeScript, statement: TypeScript.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap((d) => (ts.isIdentifier(d.name) ? [d.name.text] : []));
  }
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement)) {
    return statement.name ? [statement.name.text] : [];
  }
  if (ts.isModuleDeclaration(statement)) return [statement.name.text];
  if (ts.isImportDeclaration(statement) && statement.importClause) {
    const { name, namedBindings } = statement.importClause;
    const bound =
      namedBindings === undefined
        ? []
        : ts.isNamespaceImport(namedBindings)
          ? [namedBindings.name.text]
          : namedBindings.elements.map((element) => element.name.text);
    return name ? [name.text, ...bound] : bound;
  }
  return [];
}

/** The statement with only the names that `keep` wants; undefined when none is left. */
function narrow(
  ts: typeof TypeScript,
  statement: TypeScript.Statement,
  keep: (name: string) => boolean,
): TypeScript.Statement | undefined {
  const names = valueNames(ts, statement);
  if (names.every(keep)) return statement;
  if (!names.some(keep)) return undefined;
  if (ts.isVariableStatement(statement)) {
    const list = statement.declarationList;
    return ts.factory.updateVariableStatement(
      statement,
      statement.modifiers,
      ts.factory.updateVariableDeclarationList(
        list,
        list.declarations.filter((d) => ts.isIdentifier(d.name) && keep(d.name.text)),
      ),
    );
  }
  // An import: its names were all set, or none of them was (the module did not load).
  return statement;
}

/**
 * Declarations after a cell that set only some of its names: those it set, as the cell declares them, and the others as
 * they were declared before.
 *
 * @param before declarations that held before the cell.
 * @param after declarations as they would be after the whole cell.
 * @param missing names that the cell declares and did not set.
 */
export function mergeDeclarations(
  ts: typeof TypeScript,
  before: string,
  after: string,
  missing: ReadonlySet<string>,
): string {
  const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });
  const select = (
    text: string,
    keep: (statement: TypeScript.Statement) => TypeScript.Statement | undefined,
  ): string => {
    const file = ts.createSourceFile("declarations.d.ts", text, ts.ScriptTarget.Latest, true);
    return file.statements
      .map(keep)
      .filter((statement) => statement !== undefined)
      .map((statement) => `${printer.printNode(ts.EmitHint.Unspecified, statement, file)}\n`)
      .join("");
  };
  const kept = select(after, (statement) => narrow(ts, statement, (name) => !missing.has(name)));
  const restored = select(before, (statement) =>
    valueNames(ts, statement).length > 0 ? narrow(ts, statement, (name) => missing.has(name)) : undefined,
  );
  return kept + restored;
}

import type TypeScript from "typescript";

/** How a later cell takes a name over: a variable can be assigned to, a binding cannot. */
export type NameUse = "variable" | "binding" | "type";

export interface DeclaredName {
  use: NameUse;
  /** TypeScript's word for what it is. */
  kind: string;
}

type Compiler = typeof TypeScript;

/** Names that a cell declares at its top level. */
export function declaredNames(ts: Compiler, statements: Iterable<TypeScript.Statement>): Map<string, DeclaredName> {
  const names = new Map<string, DeclaredName>();
  const add = (name: string, use: NameUse, kind: string) => {
    // A type and a value of one name travel together, as the value.
    if (use !== "type" || !names.has(name)) names.set(name, { use, kind });
  };
  const addPattern = (name: TypeScript.BindingName, isFixed: boolean): void => {
    if (ts.isIdentifier(name)) add(name.text, isFixed ? "binding" : "variable", isFixed ? "const" : "let");
    else for (const element of name.elements) if (!ts.isOmittedExpression(element)) addPattern(element.name, isFixed);
  };
  const addList = (list: TypeScript.VariableDeclarationList) => {
    const isFixed =
      (list.flags & ts.NodeFlags.BlockScoped) !== ts.NodeFlags.Let && (list.flags & ts.NodeFlags.BlockScoped) !== 0;
    for (const { name } of list.declarations) addPattern(name, isFixed);
  };
  for (const statement of statements) {
    if (ts.isVariableStatement(statement)) addList(statement.declarationList);
    else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      if (statement.name) {
        add(statement.name.text, "binding", ts.isClassDeclaration(statement) ? "class" : "function");
      }
    } else if (ts.isEnumDeclaration(statement)) add(statement.name.text, "binding", "enum");
    else if (ts.isModuleDeclaration(statement)) {
      if (ts.isIdentifier(statement.name) && !(statement.flags & ts.NodeFlags.GlobalAugmentation)) {
        add(statement.name.text, "binding", "module");
      }
    } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      add(statement.name.text, "type", ts.isInterfaceDeclaration(statement) ? "interface" : "type");
    } else if (ts.isImportEqualsDeclaration(statement)) add(statement.name.text, "binding", "alias");
    else if (ts.isImportDeclaration(statement)) {
      for (const name of importedNames(ts, statement)) add(name, "binding", "alias");
    } else addNestedVariables(ts, statement, addList);
  }
  return names;
}

function importedNames(ts: Compiler, { importClause }: TypeScript.ImportDeclaration): string[] {
  if (!importClause) return [];
  const { name, namedBindings } = importClause;
  const bound = !namedBindings
    ? []
    : ts.isNamespaceImport(namedBindings)
      ? [namedBindings.name.text]
      : namedBindings.elements.map((element) => element.name.text);
  return name ? [name.text, ...bound] : bound;
}

/** `var` inside of blocks and loops belongs to the top level. */
function addNestedVariables(
  ts: Compiler,
  node: TypeScript.Node,
  addList: (list: TypeScript.VariableDeclarationList) => void,
): void {
  if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
  if (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.BlockScoped) === 0) addList(node);
  ts.forEachChild(node, (child) => addNestedVariables(ts, child, addList));
}

/** Every identifier that stands in the cell. */
export function mentionedNames(ts: Compiler, file: TypeScript.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: TypeScript.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** Names that the cell exports itself. */
export function exportedNames(ts: Compiler, file: TypeScript.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      for (const { name } of statement.exportClause.elements) names.add(name.text);
    } else if (ts.canHaveModifiers(statement)) {
      const isExported = ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
      if (isExported) for (const name of declaredNames(ts, [statement]).keys()) names.add(name);
    }
  }
  return names;
}

import type * as TypeScript from "typescript";

/** The part of a builder program that is changed. */
type Builder = TypeScript.BuilderProgram;

/**
 * Mends two faults of tslab's converter, which rewrites names of earlier cells to `exports.name`: it misses shorthand
 * properties (`{ lab }`), and takes the key of a destructuring pattern for such a name when its type comes from an
 * earlier cell.
 */
export function mendEarlierNames(ts: typeof TypeScript, builder: Builder): void {
  const emit = builder.emit.bind(builder);
  builder.emit = (file, write, token, onlyDeclarations, transformers) => {
    const checker = builder.getProgram().getTypeChecker();
    ignorePatternKeys(ts, checker);
    const before = [shorthandExpander(ts, checker), ...(transformers?.before ?? [])];
    return emit(file, write, token, onlyDeclarations, { ...transformers, before });
  };
}

const mended = new WeakSet<TypeScript.TypeChecker>();

function ignorePatternKeys(ts: typeof TypeScript, checker: TypeScript.TypeChecker): void {
  if (mended.has(checker)) return;
  mended.add(checker);
  const symbolAt = checker.getSymbolAtLocation.bind(checker);
  checker.getSymbolAtLocation = (node) => {
    const { parent } = node;
    const isKey =
      parent !== undefined &&
      ((ts.isBindingElement(parent) && parent.propertyName === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node));
    return isKey ? undefined : symbolAt(node);
  };
}

/** `{ lab }` to `{ lab: exports.lab }` where `lab` is a name of an earlier cell. */
function shorthandExpander(
  ts: typeof TypeScript,
  checker: TypeScript.TypeChecker,
): TypeScript.TransformerFactory<TypeScript.SourceFile> {
  const isEarlier = (node: TypeScript.ShorthandPropertyAssignment): boolean =>
    checker
      .getShorthandAssignmentValueSymbol(node)
      ?.declarations?.some((declaration) => declaration.getSourceFile().fileName.endsWith("/__prev__.d.ts")) ?? false;
  return (context) => (file) => {
    const visit = (node: TypeScript.Node): TypeScript.Node => {
      const visited = ts.visitEachChild(node, visit, context);
      if (!ts.isShorthandPropertyAssignment(node) || !isEarlier(node)) return visited;
      const { name, objectAssignmentInitializer } = visited as TypeScript.ShorthandPropertyAssignment;
      const value = ts.factory.createPropertyAccessExpression(ts.factory.createIdentifier("exports"), name.text);
      ts.setTextRange(value, name);
      const assigned = objectAssignmentInitializer
        ? ts.factory.createAssignment(value, objectAssignmentInitializer)
        : value;
      return ts.setTextRange(ts.factory.createPropertyAssignment(name.text, assigned), node);
    };
    return visit(file) as TypeScript.SourceFile;
  };
}

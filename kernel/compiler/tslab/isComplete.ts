import type * as TypeScript from "typescript";
import type { Completeness } from "../cellCompiler.ts";
import { indentAfter } from "../indent.ts";

// Errors that more text mends, wherever they are reported: unterminated template, comment, and "} expected" kin.
const unterminatedTemplate = 1160;
const unterminatedComment = 1010;
const unterminatedRegularExpression = 1161;
const expectedAtEnd = new Set([1003, 1005, 1007, 1109, 1110, 1126, 1128, 1132, 1135, 1136, 1144]);

/** Judges a cell by its parse errors: those at the very end of the text ask for more, all others are mistakes. */
export function judgeCompleteness(ts: typeof TypeScript, code: string): Completeness {
  const file = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const problems = (file as unknown as { parseDiagnostics: TypeScript.DiagnosticWithLocation[] }).parseDiagnostics;
  if (problems.length === 0) return { status: "complete" };
  const end = code.trimEnd().length;
  const mendable = problems.every(
    ({ code: number, start }) =>
      number === unterminatedTemplate ||
      number === unterminatedComment ||
      (number !== unterminatedRegularExpression && expectedAtEnd.has(number) && start >= end),
  );
  return mendable ? { status: "incomplete", indent: indentAfter(code) } : { status: "invalid" };
}

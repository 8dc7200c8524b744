import type { Problem } from "../compiler/cellCompiler.ts";
import type { CellOutcome } from "../session/wire.ts";

type Failure = Extract<CellOutcome, { status: "error" }>;

const red = "31";
const yellow = "33";

/** Each problem with its line, its column and the line of the cell itself. */
function describe(problems: readonly Problem[], label: string, code: string, word: string, colour: string): string[] {
  const lines = code.split("\n");
  const paint = (text: string) => `\u001b[${colour}m${text}\u001b[39m`;
  const hints: string[] = [];
  const described = problems.flatMap(({ start, end, message, code: number, file }) => {
    const head = `${placeOf({ start, file }, label)} - ${paint(word)}${number === undefined ? "" : ` TS${number}`}: ${message}`;
    if (/Cannot find module 'cirlab/.test(message))
      hints.push('cirlab has no type declarations yet: run "npm run build" where it is installed.');
    const line = file ? undefined : lines[start.line];
    if (line === undefined) return [head];
    const number1 = String(start.line + 1);
    const length = Math.max(1, (end.line === start.line ? end.column : line.length) - start.column);
    return [
      head,
      `  ${number1} | ${line}`,
      `  ${" ".repeat(number1.length)} | ${" ".repeat(start.column)}${paint("~".repeat(length))}`,
    ];
  });
  return [...described, ...new Set(hints)];
}

function placeOf({ start, file }: Pick<Problem, "start" | "file">, label: string): string {
  return `${file ?? label}:${start.line + 1}:${start.column + 1}`;
}

/** What a cell that cannot run because of its text ends with. */
export function problemFailure(problems: readonly Problem[], label: string, code: string): Failure {
  const first = problems[0]!;
  return {
    status: "error",
    interrupted: false,
    ename: first.code === undefined ? "SyntaxError" : "TypeScriptError",
    evalue: `${placeOf(first, label)} - ${first.message}`,
    traceback: describe(problems, label, code, "error", red),
  };
}

/** Text that warns of problems in a cell that runs all the same. */
export function problemWarning(problems: readonly Problem[], label: string, code: string): string {
  return `${describe(problems, label, code, "warning", yellow).join("\n")}\n`;
}

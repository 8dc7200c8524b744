import { z } from "zod";
import type { CellOutcome, ErrorReport } from "../session/wire.ts";

const contentSchema = z.looseObject({
  code: z.string(),
  silent: z.boolean().default(false),
  store_history: z.boolean().default(true),
  user_expressions: z.record(z.string(), z.string()).nullish(),
  allow_stdin: z.boolean().default(true),
  stop_on_error: z.boolean().default(true),
});
export type ExecuteContent = z.infer<typeof contentSchema>;
export type Failure = Extract<CellOutcome, { status: "error" }>;

/** Longest cell that is run, in UTF-16 units: compilers need minutes and gigabytes for more. */
const maxCellLength = 10_000_000;

/** The content of an execute_request. @throws Error that names what is wrong with it. */
export function readExecuteContent(content: unknown): ExecuteContent {
  const parsed = contentSchema.safeParse(content);
  if (!parsed.success) throw new Error(`Malformed execute_request: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** What a cell that is too long ends with. */
export function lengthFailure(code: string): Failure | undefined {
  if (code.length <= maxCellLength) return undefined;
  const evalue =
    `The cell holds ${Math.round(code.length / 1e6)} million characters; ${maxCellLength / 1e6} million are the most. ` +
    "Put data into a file and read it from there.";
  return failure({ ename: "CellTooLong", evalue, traceback: [`CellTooLong: ${evalue}`] }, false);
}

/** The outcome of a cell that was interrupted while it was compiled. */
export const interruptedEarly: Failure = failure(
  {
    ename: "KernelInterrupt",
    evalue: "Execution interrupted.",
    traceback: ["KernelInterrupt: Execution interrupted."],
  },
  true,
);

function failure(report: ErrorReport, interrupted: boolean): Failure {
  return { status: "error", interrupted, ...report };
}

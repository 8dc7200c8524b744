import { isUtf8 } from "node:buffer";
import { normaliseError, normaliseLine } from "./feedback.ts";
import type { PoolOutcome } from "./pool.ts";
import type { HarnessReport } from "./protocol.ts";
import { wellFormed } from "./text.ts";
import type { CodeInterpreter, ExecutionError, ExecutionResult } from "./types.ts";

/** Bytes to text: invalid UTF-8 becomes U+FFFD, so the result is always a well-formed string. */
const decode = (bytes: Buffer): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** The public result of what a process found out. Python's messages are made independent of its version. */
export function toExecutionResult(outcome: PoolOutcome, language: CodeInterpreter["language"]): ExecutionResult {
  const { queuedMs } = outcome;
  if (outcome.status === "infrastructure")
    return {
      status: "infrastructure",
      exitCode: null,
      stdout: "",
      stderr: outcome.reason,
      durationMs: 0,
      queuedMs,
      peakMemoryMb: null,
      truncated: false,
    };
  const { stdout, stderr, report } = outcome;
  return {
    status: outcome.status,
    exitCode: outcome.exitCode,
    stdout: decode(stdout),
    stderr: decode(stderr),
    ...(!isUtf8(stdout) && { stdoutBytes: new Uint8Array(stdout) }),
    ...(!isUtf8(stderr) && { stderrBytes: new Uint8Array(stderr) }),
    ...(report?.error && { error: (language === "python" ? pythonError : plainError)(report.error) }),
    ...(report?.value != null && { value: wellFormed(report.value) }),
    ...(report?.images?.length && { images: report.images }),
    durationMs: outcome.durationMs,
    queuedMs,
    peakMemoryMb: outcome.peakMemoryMb,
    truncated: outcome.status === "outputLimit",
  };
}

type Raised = NonNullable<HarnessReport["error"]>;

function plainError({ name, message, line, lastLine, traceback }: Raised): ExecutionError {
  return {
    name: wellFormed(name),
    message: wellFormed(message),
    ...(line !== null && { line }),
    lastLine: wellFormed(lastLine),
    traceback: wellFormed(traceback),
  };
}

function pythonError(raised: Raised): ExecutionError {
  return {
    ...normaliseError(wellFormed(raised.name), wellFormed(raised.message)),
    ...(raised.line !== null && { line: raised.line }),
    lastLine: normaliseLine(wellFormed(raised.lastLine)),
    traceback: normaliseTraceback(wellFormed(raised.traceback)),
  };
}

/** Lines of a traceback that say nothing of an exception: its frames, and what Python says between two of them. */
const scaffolding = /^(?: |$|Traceback \(most recent|The above exception was|During handling of)/;

function normaliseTraceback(text: string): string {
  return text
    .split("\n")
    .map((line) => (scaffolding.test(line) ? line : normaliseLine(line)))
    .join("\n");
}

import { normaliseError, normaliseLine } from "./feedback.ts";
import type { PoolOutcome } from "./pool.ts";
import { wellFormed } from "./text.ts";
import type { ExecutionResult } from "./types.ts";

/** Bytes to text: invalid UTF-8 becomes U+FFFD, so the result is always a well-formed string. */
const decode = (bytes: Buffer): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** The public result of what a process found out. */
export function toExecutionResult(outcome: PoolOutcome): ExecutionResult {
  if (outcome.status === "infrastructure")
    return {
      status: "infrastructure",
      exitCode: null,
      stdout: "",
      stderr: outcome.reason,
      durationMs: 0,
      truncated: false,
    };
  const raised = outcome.report?.error;
  return {
    status: outcome.status,
    exitCode: outcome.exitCode,
    stdout: decode(outcome.stdout),
    stderr: decode(outcome.stderr),
    ...(raised && {
      error: {
        ...normaliseError(wellFormed(raised.name), wellFormed(raised.message)),
        ...(raised.line !== null && { line: raised.line }),
        lastLine: normaliseLine(wellFormed(raised.lastLine)),
      },
    }),
    durationMs: outcome.durationMs,
    truncated: outcome.status === "outputLimit",
  };
}

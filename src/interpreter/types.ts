/** How an execution ended. `infrastructure` is never the code's fault and never becomes reward or feedback. */
export type ExecutionStatus = "ok" | "error" | "timeout" | "memory" | "outputLimit" | "crash" | "infrastructure";

/** The exception that ended a snippet. */
export interface ExecutionError {
  /** Class name, for example `"ZeroDivisionError"`. */
  name: string;
  /** The exception's message, normalised as the feedback line is. */
  message: string;
  /** 1-based line of the snippet, where known. */
  line?: number;
  /** The traceback's last line, normalised: `"ZeroDivisionError: division by zero"`. */
  lastLine: string;
}

/** What came of running one snippet. */
export interface ExecutionResult {
  status: ExecutionStatus;
  exitCode: number | null;
  stdout: string;
  stderr: string;
  error?: ExecutionError;
  durationMs: number;
  /** Output was cut at the limit. */
  truncated: boolean;
}

/** How much two snippets may share; see the interpreter's documentation. */
export type Isolation = "snippet" | "rollout" | "pooled";

export interface RunOptions {
  /** Overrides the interpreter's limit for this snippet. Milliseconds. */
  timeoutMs?: number;
  /** Snippets of one rollout share a key; decides reuse under `"rollout"` isolation. */
  rolloutId?: string;
  signal?: AbortSignal;
}

/** What an interpreter has done since it started. */
export interface InterpreterStats {
  /** Snippets that came back, whatever their status. */
  snippets: number;
  byStatus: Record<ExecutionStatus, number>;
  /** Processes that were thrown away and replaced, as isolation and failures ask for. */
  recycled: number;
  /** Processes that died, did not start or broke the protocol; most of them cost no result, because of the retry. */
  infrastructureFailures: number;
  /** Sum over snippets of the time from start to result, queueing left out. Milliseconds. */
  totalMs: number;
}

/** A code interpreter: many snippets at once, each stateless, results in the order they finish. */
export interface CodeInterpreter {
  /** `"pyodide"` or `"jail"`. */
  readonly engine: string;
  /** One line for people: engine, Python version, isolation, why it was chosen. */
  readonly description: string;
  run(code: string, options?: RunOptions): Promise<ExecutionResult>;
  /** The line(s) a policy reads after its code: stdout, or the normalised last line of the traceback; cut in the middle. */
  feedback(result: ExecutionResult): string;
  stats(): InterpreterStats;
  close(): Promise<void>;
}

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
  /**
   * The whole traceback with the snippet's own frames only (file `"<snippet>"`, in a session `"<cell 1>"`, ...), the
   * same on every engine and Python version. Exceptions behind it come first, as Python prints them.
   */
  traceback: string;
}

/** A picture that a snippet made. */
export interface ExecutionImage {
  /** `"image/png"`. */
  mime: string;
  /** Base64. */
  data: string;
}

/** What came of running one snippet. */
export interface ExecutionResult {
  status: ExecutionStatus;
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** Standard output as it was, only where it is not valid UTF-8 (`stdout` then holds U+FFFD in places). */
  stdoutBytes?: Uint8Array;
  /** As `stdoutBytes`, of standard error. */
  stderrBytes?: Uint8Array;
  error?: ExecutionError;
  /** What the last statement came to, as text, where {@link RunOptions.lastExpression} asks for it and it is not `None`. */
  value?: string;
  /** Figures left open at the end, where {@link RunOptions.plots} asks for them. */
  images?: ExecutionImage[];
  /** From start to end, queueing left out. Milliseconds. */
  durationMs: number;
  /** From the call to the start. Milliseconds. */
  queuedMs: number;
  /**
   * Memory that the snippet used beyond what was loaded before it, at its peak; of a session, at the peak so far. `null`
   * where the engine cannot tell. MiB.
   */
  peakMemoryMb: number | null;
  /** Output was cut at the limit. */
  truncated: boolean;
}

/** How much two snippets may share; see the interpreter's documentation. */
export type Isolation = "snippet" | "rollout" | "pooled";

/** What is loaded before a snippet starts: the standard library's usual modules, or numpy and sympy as well. */
export type Profile = "bare" | "scientific";

/** Options of a single run; limits that are left out are the interpreter's. */
export interface RunOptions {
  /** Wall time of this snippet. Milliseconds. */
  timeoutMs?: number;
  /** Memory of this snippet, at most 4096. A Pyodide process keeps its own limit. MiB. */
  memoryMb?: number;
  /** Output that is kept, both streams together; writing more ends the snippet. Bytes. */
  maxOutputBytes?: number;
  /** What the snippet reads from standard input. Without it, standard input is empty and `input()` is refused. */
  stdin?: string;
  /** Snippets of one rollout share a key; decides reuse under `"rollout"` isolation. */
  rolloutId?: string;
  /** Report the value of the last expression. Default false. */
  lastExpression?: boolean;
  /** Report open matplotlib figures as PNG. Default: only in a notebook, for snippets without a `rolloutId`. */
  plots?: boolean;
  signal?: AbortSignal;
}

/** How an interpreter's own machinery can fail. */
export type FailureKind =
  /** A process did not start. */
  | "start"
  /** A process ended on its own. */
  | "died"
  /** A process said something that it must not say. */
  | "protocol"
  /** A process that keeps time itself did not answer within the driver's own limit. */
  | "overdue";

/** What an interpreter has done since it started. */
export interface InterpreterStats {
  /** Snippets that came back, whatever their status. */
  snippets: number;
  byStatus: Record<ExecutionStatus, number>;
  /** Processes that were thrown away and replaced, as isolation and failures ask for. */
  recycled: number;
  /** Failures of the interpreter itself, of all kinds; most of them cost no result, because of the retry. */
  infrastructureFailures: number;
  failuresByKind: Record<FailureKind, number>;
  /** Of the last 200 snippets, the share that met a failure of the interpreter, also where the retry went well. */
  infrastructureRate: number;
  /** Set while `infrastructureRate` is above `maxInfrastructureRate`: what is wrong, as one sentence. */
  alarm?: string;
  /** Sum over snippets of the time from start to result, queueing left out. Milliseconds. */
  totalMs: number;
  /** Sum over snippets of the time in the queue. Milliseconds. */
  queuedMs: number;
}

/** What {@link CodeInterpreter.selfTest} found. */
export interface SelfTestReport {
  /** Every probe came out as it must. */
  holds: boolean;
  probes: { name: string; holds: boolean /** What was seen instead. */; found?: string }[];
}

/** What an interpreter was started with, defaults filled in, as plain data; for their meaning see `PythonInterpreterOptions`. */
export interface StartOptions {
  readonly profile: "auto" | Profile;
  readonly timeoutMs: number;
  /** A rule's name, or one with changes; `{ own }`: the source of a function of the user's own. */
  readonly feedback: string | Readonly<Record<string, unknown>>;
  readonly maxOutputChars?: number | undefined;
  readonly isolation: Isolation;
  readonly lanes?: number | undefined;
  readonly sessions?: number | undefined;
  readonly memoryMb: number;
  readonly seed: number;
  readonly clock: "real" | number;
  readonly maxInfrastructureRate: number;
}

/** A code interpreter: many snippets at once, results in the order they finish. */
export interface CodeInterpreter {
  readonly engine: "jail" | "pyodide" | "quickjs";
  readonly language: "python" | "javascript" | "typescript";
  /** One line for people: engine, version, isolation, why it was chosen. */
  readonly description: string;
  /** Name and version of each package that can be imported beyond the standard library: `"sympy 1.14.0"`. */
  readonly packages: readonly string[];
  /** What it was started with, defaults filled in: with these it can be started again. */
  readonly options: StartOptions;
  /** Runs one snippet in a fresh namespace. */
  run(code: string, options?: RunOptions): Promise<ExecutionResult>;
  /** Opens a session: cells that share variables. Waits while as many are open as the interpreter keeps. */
  session(options?: SessionOptions): Promise<InterpreterSession>;
  /** The line(s) a policy reads after its code: stdout, or the normalised last line of the traceback; cut in the middle. */
  feedback(result: ExecutionResult): string;
  /** Runs hostile probes that must fail. An interpreter does this when it starts, and does not start where one gets through. */
  selfTest(): Promise<SelfTestReport>;
  stats(): InterpreterStats;
  close(): Promise<void>;
}

/** Options of {@link CodeInterpreter.session}. */
export interface SessionOptions {
  /** For those who look at processes; a session shares its process with nobody in any case. */
  rolloutId?: string;
  /** Ends the wait for a free place. */
  signal?: AbortSignal;
}

/** A cell that ran in a session. */
export interface SessionCell {
  readonly code: string;
  readonly result: ExecutionResult;
}

/** A replayed cell whose outcome differs from the recorded one. */
export interface ReplayMismatch {
  /** Index of the cell, from 0. */
  cell: number;
  expected: ExecutionResult;
  found: ExecutionResult;
}

/**
 * A rollout's cells, one after the other, sharing variables. Nothing of it runs between two cells.
 *
 * A cell that is ended from outside (timeout, output limit, a crash) takes the session with it: later cells throw
 * {@link SessionLostError}; a fork that stops before that cell goes on from there.
 */
export interface InterpreterSession {
  readonly cells: readonly SessionCell[];
  /** On a fork: the first replayed cell that did not repeat. */
  readonly mismatch?: ReplayMismatch;
  /** Why no further cell can run. */
  readonly lost?: string;
  run(code: string, options?: RunOptions): Promise<ExecutionResult>;
  /** Replays cells [0, `cell`) in a fresh session (default: all) and compares their outcomes with the recorded ones. */
  fork(options?: { cell?: number; signal?: AbortSignal }): Promise<InterpreterSession>;
  close(): Promise<void>;
}

import { z } from "zod";
import { parseInput } from "../base/schema.ts";
import { displaySymbol, host, type MimeBundle } from "../display/index.ts";
import { FailureWindow } from "./failure-window.ts";
import { type FeedbackRule, feedbackRule, showsValue } from "./feedback-presets.ts";
import type { CheckedOptions, StartedEngine } from "./options.ts";
import { profileOf } from "./profile.ts";
import type { LaneJob } from "./protocol.ts";
import { toExecutionResult } from "./result.ts";
import { shownResult } from "./result-display.ts";
import { HostedSession, type SessionHost } from "./session.ts";
import { wellFormed } from "./text.ts";
import type {
  CodeInterpreter,
  ExecutionResult,
  ExecutionStatus,
  InterpreterSession,
  InterpreterStats,
  RunOptions,
  SelfTestReport,
  SessionOptions,
  StartOptions,
} from "./types.ts";

/** Output that is kept of a snippet, both streams together; writing more ends it. */
const usualOutputBytes = 1 << 20;

const limits = z.object({
  timeoutMs: z.number().positive().max(3_600_000).optional(),
  memoryMb: z.number().int().min(16).max(4096).optional(),
  maxOutputBytes: z
    .number()
    .int()
    .min(1)
    .max(1 << 26)
    .optional(),
});

const names = { python: "Python", javascript: "JavaScript", typescript: "TypeScript" } as const;

/** An interpreter on a started engine. */
export class EngineRunner implements CodeInterpreter {
  readonly engine: CodeInterpreter["engine"];
  readonly language: CodeInterpreter["language"];
  readonly description: string;
  readonly packages: readonly string[];
  readonly #options: CheckedOptions;
  readonly #started: StartedEngine;
  readonly #rule: FeedbackRule;
  readonly #host: SessionHost;
  readonly #window = new FailureWindow();
  readonly #byStatus: Record<ExecutionStatus, number> = {
    ok: 0,
    error: 0,
    timeout: 0,
    memory: 0,
    outputLimit: 0,
    crash: 0,
    infrastructure: 0,
  };
  #totalMs = 0;
  #queuedMs = 0;

  /** @param reason why this engine, as the end of a sentence. */
  constructor(language: CodeInterpreter["language"], options: CheckedOptions, started: StartedEngine, reason: string) {
    const { pool } = started;
    this.engine = started.engine;
    this.language = language;
    this.packages = started.packages;
    const offered = started.packages.length ? `; ${started.packages.join(", ")}` : "";
    this.description = `${names[language]} ${started.version} ${started.about}${offered}; ${reason}.`;
    this.#options = options;
    this.#started = started;
    this.#rule = feedbackRule(options.feedback, options.maxOutputChars);
    this.#host = {
      open: (signal) => pool.desk.open(signal),
      run: (session, code, { rolloutId, signal, ...rest }) => this.#run(code, rest, session, rolloutId, signal),
      lives: (session) => pool.desk.laneOf(session) !== undefined,
      end: (session) => pool.endSession(session, this.#request("", {}, session)),
      diesTwice: pool.diesTwice,
    };
  }

  get options(): StartOptions {
    const { engine: _, feedback, ...options } = this.#options;
    return {
      ...options,
      feedback:
        typeof feedback === "function"
          ? { own: String(feedback) }
          : typeof feedback === "string"
            ? feedback
            : { ...feedback },
    };
  }

  /** Process ids of the interpreter's own processes. */
  get pids(): number[] {
    return this.#started.pool.pids;
  }

  /**
   * Runs one snippet, as soon as a lane is free, in a fresh namespace: nothing is shared with earlier snippets.
   *
   * @throws InvalidInputError for an impossible limit.
   * @throws InterruptedError when `options.signal` is aborted, and after `close()`.
   */
  async run(code: string, options: RunOptions = {}): Promise<ExecutionResult> {
    return this.#run(code, options, null, options.rolloutId, options.signal);
  }

  /** @throws InterruptedError when `options.signal` is aborted, and after `close()`. */
  session(options: SessionOptions = {}): Promise<InterpreterSession> {
    return HostedSession.open(this.#host, options);
  }

  /** By the interpreter's `feedback` and `maxOutputChars`: CIR's rule and 400 characters where nothing else is asked for. */
  feedback(result: ExecutionResult): string {
    return this.#rule(result);
  }

  selfTest(): Promise<SelfTestReport> {
    return this.#started.selfTest();
  }

  stats(): InterpreterStats {
    const { pool } = this.#started;
    const alarm = this.#window.alarm(this.#options.maxInfrastructureRate);
    const sum = (counts: Record<string, number>): number =>
      Object.values(counts).reduce((all, count) => all + count, 0);
    return {
      snippets: sum(this.#byStatus),
      byStatus: { ...this.#byStatus },
      recycled: pool.recycled,
      infrastructureFailures: sum(pool.failures),
      failuresByKind: { ...pool.failures },
      infrastructureRate: this.#window.rate,
      ...(alarm !== undefined && { alarm }),
      totalMs: this.#totalMs,
      queuedMs: this.#queuedMs,
    };
  }

  [displaySymbol](): MimeBundle {
    const { snippets, byStatus, recycled, infrastructureFailures, alarm } = this.stats();
    const outcomes = Object.entries(byStatus).flatMap(([status, count]) => (count ? [`${count} ${status}`] : []));
    const lines = [this.description];
    if (snippets) lines.push(`${snippets} snippets (${outcomes.join(", ")}); ${recycled} processes replaced`);
    if (infrastructureFailures) lines.push(`${infrastructureFailures} failures of the interpreter itself`);
    if (alarm) lines.push(alarm);
    return { "text/plain": lines.join("\n") };
  }

  /** Ends all processes and waits until they are gone. */
  close(): Promise<void> {
    return this.#started.pool.close();
  }

  async #run(
    code: string,
    options: RunOptions,
    session: string | null,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ExecutionResult> {
    const outcome = await this.#started.pool.run(this.#request(code, options, session), { key, signal });
    const result = shownResult(toExecutionResult(outcome, this.language), code);
    this.#byStatus[result.status]++;
    this.#window.add(outcome.metFailure);
    this.#totalMs += result.durationMs;
    this.#queuedMs += result.queuedMs;
    return result;
  }

  #request(code: string, options: RunOptions, session: string | null): LaneJob {
    const { timeoutMs, memoryMb, maxOutputBytes } = options;
    const given = parseInput(limits, { timeoutMs, memoryMb, maxOutputBytes }, "run options");
    const { seed, clock, profile, feedback } = this.#options;
    const text = wellFormed(code);
    return {
      code: text,
      ...(options.stdin !== undefined && { stdin: wellFormed(options.stdin) }),
      seed,
      clock: clock === "real" ? null : clock,
      timeoutMs: given.timeoutMs ?? this.#options.timeoutMs,
      memoryMb: given.memoryMb ?? this.#options.memoryMb,
      maxOutputBytes: given.maxOutputBytes ?? usualOutputBytes,
      lastExpression: options.lastExpression ?? showsValue(feedback),
      // Whoever runs a snippet by hand in a notebook wants to see its figures.
      plots: options.plots ?? (host() !== undefined && options.rolloutId === undefined),
      profile: profileOf(text, session !== null, profile, this.#started.profiles),
      session,
    };
  }
}

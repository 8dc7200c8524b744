import { randomUUID } from "node:crypto";
// The global ones do nothing any more once the cell that set them was interrupted.
import { clearTimeout, setTimeout } from "node:timers";
import { z } from "zod";
import { InfrastructureError, InterruptedError, InvalidInputError } from "../base/errors.ts";
import { nearestNames } from "../base/nearest.ts";
import { parseInput } from "../base/schema.ts";
import { displaySymbol, type MimeBundle } from "../display/index.ts";
import { cutMiddle, timeoutLine } from "../interpreter/feedback.ts";
import { HostedSession, type SessionHost } from "../interpreter/session.ts";
import type {
  CodeInterpreter,
  ExecutionResult,
  ExecutionStatus,
  InterpreterSession,
  RunOptions,
  SessionOptions,
} from "../interpreter/types.ts";
import { type ParsedCall, parseCallBody, parseToolCalls, type UnreadableCall } from "./parse.ts";
import { type Tool, ToolAnswer, type ToolContext, ToolError } from "./tool.ts";

const toolBoxOptions = z.strictObject({
  /** Wall time of a call whose tool has no limit of its own. Milliseconds. */
  timeoutMs: z.number().positive().max(3_600_000).default(10_000),
  /** Characters of a call's answer that the policy reads; what is longer is cut in the middle. */
  maxOutputChars: z.number().int().min(2).default(2000),
  /** Calls of one turn; those beyond are answered with an error. */
  maxCallsPerTurn: z.number().int().min(1).default(16),
});

/** Options of a {@link ToolBox}; all have defaults. */
export type ToolBoxOptions = z.input<typeof toolBoxOptions>;

/** What came of one call. */
export interface ToolCallResult {
  /** The tool that was asked for; null where the call could not be read. */
  name: string | null;
  args: unknown;
  status: ExecutionStatus;
  /** What the policy reads; with status `"infrastructure"` what went wrong, for people. */
  text: string;
  truncated: boolean;
}

/** What came of one turn's calls: an {@link ExecutionResult}, so that it goes wherever a snippet's result goes. */
export interface ToolResult extends ExecutionResult {
  /** In the order in which they were written, which is the order in which they ran. */
  calls: readonly ToolCallResult[];
}

/**
 * Tools that a policy may call. It stands where an interpreter stands in a rollout: what a policy writes between
 * `<tool_call>` and `</tool_call>` is run, and the answer is appended between `<obs>` and `</obs>`.
 *
 * Calls of a turn run one after the other. A bad call is answered with an error text and never throws. A failure of a
 * tool itself (any exception but a {@link ToolError}) has status `"infrastructure"`: the policy never reads it.
 *
 * @example
 * const box = new ToolBox([add, codeTool(python), ...(await mcpTools({ command: "my-server" })).tools]);
 * const rollout = lab.rollout({ policy, interpreter: box, task });
 */
export class ToolBox {
  /** The format of calls in a rollout. */
  readonly boundary = "toolCall";
  /** None beyond what the tools themselves say; a prompt asks for it as of an interpreter. */
  readonly packages: readonly string[] = [];
  readonly tools: ReadonlyMap<string, Tool>;
  readonly #options: z.output<typeof toolBoxOptions>;
  /** Interpreter sessions of each open session. */
  readonly #sessions = new Map<string, Map<CodeInterpreter, Promise<InterpreterSession>>>();

  /** @throws InvalidInputError for two tools of one name. */
  constructor(tools: Iterable<Tool>, options: ToolBoxOptions = {}) {
    this.#options = parseInput(toolBoxOptions, options, "tool box options");
    const named = new Map<string, Tool>();
    for (const tool of tools) {
      if (named.has(tool.name)) throw new InvalidInputError(`Two tools are called ${JSON.stringify(tool.name)}.`);
      named.set(tool.name, tool);
    }
    this.tools = named;
  }

  /** A box with further tools and this one's options. */
  with(...more: readonly Tool[]): ToolBox {
    return new ToolBox([...this.tools.values(), ...more], this.#options);
  }

  /** One line for people. */
  get description(): string {
    const names = [...this.tools.keys()];
    return `${names.length} ${names.length === 1 ? "tool" : "tools"}: ${names.join(", ")}`;
  }

  /** The tools as a prompt lists them; see {@link toolsPrompt}. */
  get prompt(): string {
    return toolsPrompt([...this.tools.values()]);
  }

  /** The tools as chat templates and APIs take them. */
  get schemas(): { type: "function"; function: { name: string; description: string; parameters: unknown } }[] {
    return [...this.tools.values()].map(({ name, description, parameters }) => ({
      type: "function",
      function: { name, description, parameters },
    }));
  }

  /** The calls of a text that holds `<tool_call>` blocks. */
  parse(text: string): (ParsedCall | UnreadableCall)[] {
    return parseToolCalls(text);
  }

  /**
   * Runs the calls of one turn.
   *
   * @param body what stands between the tags, or a text with the tags in it.
   * @throws InterruptedError when `options.signal` is aborted.
   */
  run(body: string, options: RunOptions = {}): Promise<ToolResult> {
    return this.#run(body, options, undefined);
  }

  /** Opens a session: code tools keep their variables from call to call. */
  session(options: SessionOptions = {}): Promise<InterpreterSession> {
    return HostedSession.open(this.#host, options);
  }

  /**
   * What the policy reads of a result.
   *
   * @throws InfrastructureError for status `"infrastructure"`, which never becomes text.
   */
  feedback(result: ExecutionResult): string {
    if (result.status === "infrastructure")
      throw new InfrastructureError(`A tool failed, so there is nothing to read: ${result.stderr}`);
    return result.stdout;
  }

  [displaySymbol](): MimeBundle {
    const lines = [...this.tools.values()].map(({ name, description }) => `${name}: ${description}`);
    return { "text/plain": [`${this.tools.size} tools`, ...lines].join("\n") };
  }

  readonly #host: SessionHost = {
    open: async () => {
      const name = randomUUID();
      this.#sessions.set(name, new Map());
      return name;
    },
    run: (name, body, options) => this.#run(body, options, this.#sessions.get(name)),
    lives: (name) => this.#sessions.has(name),
    end: async (name) => {
      const open = [...(this.#sessions.get(name)?.values() ?? [])];
      this.#sessions.delete(name);
      await Promise.all(open.map(async (session) => (await session.catch(() => undefined))?.close()));
    },
    diesTwice: "infrastructure",
  };

  async #run(
    body: string,
    { rolloutId, signal, timeoutMs }: RunOptions,
    sessions: Map<CodeInterpreter, Promise<InterpreterSession>> | undefined,
  ): Promise<ToolResult> {
    const started = performance.now();
    const session = sessions && sessionsIn(sessions, rolloutId);
    const results: ToolCallResult[] = [];
    const calls = body.includes("<tool_call>") ? parseToolCalls(body) : parseCallBody(body);
    for (const [i, call] of calls.entries()) {
      if (signal?.aborted) throw new InterruptedError();
      const context = { ...(rolloutId !== undefined && { rolloutId }), ...(session && { session }) };
      const answer = await this.#answer(i, call, context, signal, timeoutMs);
      results.push(answer);
      if (answer.status === "infrastructure") break;
    }
    return toolResult(results, performance.now() - started);
  }

  async #answer(
    index: number,
    call: ParsedCall | UnreadableCall,
    context: Omit<ToolContext, "signal">,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ): Promise<ToolCallResult> {
    const { maxCallsPerTurn, maxOutputChars } = this.#options;
    const result = (given: string, status: ExecutionStatus): ToolCallResult => {
      const text = status === "infrastructure" ? given : cutMiddle(given, maxOutputChars);
      return {
        name: "name" in call ? call.name : null,
        args: "args" in call ? call.args : null,
        status,
        text,
        truncated: text !== given,
      };
    };
    if ("problem" in call) return result(`Error: ${call.problem}`, "error");
    if (index >= maxCallsPerTurn)
      return result(`Error: at most ${maxCallsPerTurn} tool calls are answered in a turn.`, "error");
    const tool = this.tools.get(call.name);
    if (!tool) return result(`Error: ${this.#unknown(call.name)}`, "error");
    try {
      const args = tool.check(call.args);
      const limit = tool.timeoutMs ?? timeoutMs ?? this.#options.timeoutMs;
      const found = await limited(limit, signal, (within) => tool.run(args, { ...context, signal: within }));
      if (found instanceof ToolAnswer) return result(found.text, found.status);
      return result(textOf(found), "ok");
    } catch (error) {
      if (signal?.aborted) throw new InterruptedError();
      if (error instanceof TimedOut) return result(timeoutLine, "timeout");
      if (error instanceof ToolError) return result(`Error: ${error.message}`, "error");
      return result(`Tool ${call.name}: ${error instanceof Error ? error.message : String(error)}`, "infrastructure");
    }
  }

  #unknown(name: string): string {
    const near = nearestNames(name, this.tools.keys());
    return `there is no tool ${JSON.stringify(name)}${near.length ? `, did you mean ${near.join(" or ")}?` : "."}`;
  }
}

/** Tools as a prompt lists them (ToolRL's layout): number, name, description, JSON Schema of the parameters. */
export function toolsPrompt(tools: readonly Pick<Tool, "name" | "description" | "parameters">[]): string {
  return tools
    .map(({ name, description, parameters }, i) =>
      [`${i + 1}. Name: ${name}`, `Description: ${description}`, `Parameters: ${JSON.stringify(parameters)}`].join(
        "\n",
      ),
    )
    .join("\n");
}

/** A tool took longer than it may. */
class TimedOut extends Error {}

/** Runs a tool with a time limit; a tool that does not listen to its signal is no longer waited for. */
async function limited(
  limitMs: number,
  outer: AbortSignal | undefined,
  act: (signal: AbortSignal) => unknown,
): Promise<unknown> {
  const inner = new AbortController();
  let stop = (_error: Error): void => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = reject;
  });
  const abort = (): void => {
    inner.abort();
    stop(new InterruptedError());
  };
  const timer = setTimeout(() => {
    inner.abort();
    stop(new TimedOut());
  }, limitMs);
  outer?.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([Promise.resolve().then(() => act(inner.signal)), stopped]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  }
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value) ?? "";
}

const sessionsIn =
  (open: Map<CodeInterpreter, Promise<InterpreterSession>>, rolloutId: string | undefined) =>
  (interpreter: CodeInterpreter): Promise<InterpreterSession> => {
    const found = open.get(interpreter);
    if (found) return found;
    const opened = openAnew(interpreter.session(rolloutId === undefined ? {} : { rolloutId }), () =>
      open.delete(interpreter),
    );
    open.set(interpreter, opened);
    return opened;
  };

/** A session that did not open is not kept. */
async function openAnew(opening: Promise<InterpreterSession>, failed: () => void): Promise<InterpreterSession> {
  try {
    return await opening;
  } catch (error) {
    failed();
    throw error;
  }
}

/** One turn's calls as one result: the first that failed gives the status. */
function toolResult(calls: ToolCallResult[], durationMs: number): ToolResult {
  const failed = calls.find(({ status }) => status === "infrastructure") ?? calls.find(({ status }) => status !== "ok");
  const status = failed?.status ?? "ok";
  const [only] = calls;
  const text =
    calls.length === 1 ? only!.text : calls.map((call, i) => `${i + 1}. ${call.name ?? "?"}: ${call.text}`).join("\n");
  const broken = status === "infrastructure";
  return {
    status,
    exitCode: status === "ok" ? 0 : status === "error" ? 1 : null,
    stdout: broken ? "" : text,
    stderr: broken ? failed!.text : "",
    ...(status === "error" && {
      error: { name: "ToolError", message: failed!.text, lastLine: failed!.text, traceback: failed!.text },
    }),
    durationMs,
    queuedMs: 0,
    peakMemoryMb: null,
    truncated: calls.some(({ truncated }) => truncated),
    calls,
  };
}

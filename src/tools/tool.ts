import { z } from "zod";
import { InvalidInputError, LabError } from "../base/errors.ts";
import type { CodeInterpreter, ExecutionResult, InterpreterSession } from "../interpreter/types.ts";

/** A call that was at fault, thrown by a tool: the policy reads the message, and it counts as the policy's mistake. */
export class ToolError extends LabError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { code: "tool", hint, cause });
  }
}

/** What a tool knows of the call beside its arguments. */
export interface ToolContext {
  /** Aborted at the time limit and when the caller is interrupted. */
  readonly signal: AbortSignal;
  /** The rollout that asks; undefined outside of rollouts. */
  readonly rolloutId?: string;
  /** In a stateful rollout: the rollout's session of an interpreter that a tool uses. */
  session?(interpreter: CodeInterpreter): Promise<InterpreterSession>;
}

/** What a tool answers where it knows more than a text: for example that code ran out of time. */
export class ToolAnswer {
  readonly text: string;
  readonly status: ExecutionResult["status"];

  constructor(text: string, status: ExecutionResult["status"] = "ok") {
    this.text = text;
    this.status = status;
  }
}

/** A JSON Schema object. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A function that a policy can call. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, as the prompt shows it. */
  readonly parameters: JsonSchema;
  /** Wall time of a call; the tool box's where it is left out. Milliseconds. */
  readonly timeoutMs?: number;
  /** The arguments as the tool takes them. @throws ToolError saying what is wrong with them. */
  check(args: unknown): unknown;
  /** @param args what `check` returned. */
  run(args: unknown, context: ToolContext): unknown;
}

/** What {@link defineTool} takes. */
export interface ToolDefinition<S extends z.ZodType> {
  /** Letters, digits, `_`, `-` and `.`; at most 128 characters. */
  name: string;
  description: string;
  /** Schema of the arguments: an object. */
  input: S;
  /** Wall time of a call. Milliseconds. */
  timeoutMs?: number;
  /**
   * Returns what the policy reads: a string as it is, anything else as JSON. A {@link ToolError} is the policy's
   * mistake; any other exception is a failure of the tool itself and never reaches the policy.
   */
  run(args: z.output<S>, context: ToolContext): unknown;
}

const toolName = /^[\w.-]{1,128}$/;

/** @throws InvalidInputError where a name cannot be a tool's. */
export function checkToolName(name: string): void {
  if (!toolName.test(name))
    throw new InvalidInputError(
      `Invalid tool name ${JSON.stringify(name)}.`,
      "Use 1 to 128 letters, digits, underscores, hyphens and dots.",
    );
}

/** What a zod schema finds wrong with arguments, as one line for the policy. */
export function argumentProblems({ issues }: z.ZodError): string {
  return issues
    .map(({ path, message }) => (path.length ? `${path.map(String).join(".")}: ${message}` : message))
    .join("; ");
}

/**
 * A typed function as a tool.
 *
 * @example
 * const add = defineTool({
 *   name: "add",
 *   description: "Adds two numbers.",
 *   input: z.object({ a: z.number(), b: z.number() }),
 *   run: ({ a, b }) => a + b,
 * });
 * @throws InvalidInputError for an impossible name, or an input that is no object or cannot be shown as JSON Schema.
 */
export function defineTool<S extends z.ZodType>(definition: ToolDefinition<S>): Tool {
  const { name, description, input, timeoutMs, run } = definition;
  checkToolName(name);
  let parameters: JsonSchema;
  try {
    const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input" });
    parameters = schema;
  } catch (cause) {
    throw new InvalidInputError(
      `The input of tool ${name} cannot be shown as JSON Schema: ${cause instanceof Error ? cause.message : cause}`,
      "Use types that JSON has.",
      cause,
    );
  }
  if (parameters.type !== "object")
    throw new InvalidInputError(`The input of tool ${name} is no object.`, "Use z.object({ ... }).");
  return {
    name,
    description,
    parameters,
    ...(timeoutMs !== undefined && { timeoutMs }),
    check(args) {
      const checked = input.safeParse(args);
      if (!checked.success) throw new ToolError(`Invalid arguments for ${name}: ${argumentProblems(checked.error)}.`);
      return checked.data;
    },
    run: (args, context) => run(args as z.output<S>, context),
  };
}

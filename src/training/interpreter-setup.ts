import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import { Interpreter, type InterpreterOptions } from "../interpreter/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";

/** What a run's `config.json` says of its interpreter. */
export const interpreterSetupSchema = z.object({
  engine: z.enum(["jail", "pyodide", "quickjs"]),
  language: z.enum(["python", "javascript", "typescript"]),
  description: z.string(),
  packages: z.array(z.string()),
  /** Limits, profile, clock, isolation, wording of results. Absent from runs of versions that did not record them. */
  options: z.record(z.string(), z.json()).optional(),
});

export type InterpreterSetup = z.infer<typeof interpreterSetupSchema>;

/** An interpreter as it is recorded. */
export function interpreterSetup(interpreter: CodeInterpreter): InterpreterSetup {
  const { engine, language, description, packages, options } = interpreter;
  const plain = JSON.parse(JSON.stringify(options)) as NonNullable<InterpreterSetup["options"]>;
  return { engine, language, description, packages: [...packages], options: plain };
}

/**
 * Starts an interpreter with the options of a recorded one.
 *
 * @param engine another engine than the recorded one.
 * @throws InvalidInputError where results were worded by code of the user's own, InfrastructureError where the engine does
 * not start here.
 */
export async function recordedInterpreter(
  { engine: recorded, language, options = {} }: InterpreterSetup,
  engine: InterpreterOptions["engine"] = recorded,
): Promise<CodeInterpreter> {
  const { feedback } = options;
  if (feedback !== null && typeof feedback === "object" && "own" in feedback)
    throw new InvalidInputError(
      `The run's interpreter worded its results by code of your own: ${feedback.own}`,
      "Give the interpreter: { interpreter }.",
    );
  return Interpreter.start({ ...options, language, engine } as InterpreterOptions);
}

/** What can differ between a recorded interpreter and one of now, by name. Why it was chosen is not among it. */
export function interpreterFacts(setup: InterpreterSetup): Record<string, unknown> {
  const { description, packages, options = {} } = setup;
  const named = Object.entries(options).map(([name, value]) => [
    `interpreter ${name}`,
    typeof value === "object" ? JSON.stringify(value) : value,
  ]);
  const what = description.replace(/; (as asked for|chosen because .*|the engine for this language)\.$/s, "");
  return { interpreter: what, packages: packages.join(", "), ...Object.fromEntries(named) };
}

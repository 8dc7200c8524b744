import { z } from "zod";
import type { CodeInterpreter } from "../interpreter/types.ts";
import { defineTool, type Tool, ToolAnswer } from "./tool.ts";

/** An interpreter keeps the time of its snippets; this is for one that does not answer. Milliseconds. */
const lastResortMs = 3_600_000;

/**
 * A code interpreter as a tool with one argument, `code`. The policy reads what `interpreter.feedback` says. In a
 * stateful rollout its calls share variables.
 *
 * @param options `name` defaults to the interpreter's language.
 * @example
 * const box = new ToolBox([codeTool(python), add]);
 */
export function codeTool(interpreter: CodeInterpreter, options: { name?: string; description?: string } = {}): Tool {
  const { language, packages } = interpreter;
  const offered = packages.length ? ` Packages: ${packages.join(", ")}.` : "";
  return defineTool({
    name: options.name ?? language,
    description: options.description ?? `Runs ${language} code and answers with what it prints.${offered}`,
    input: z.object({ code: z.string() }),
    timeoutMs: lastResortMs,
    async run({ code }, { signal, rolloutId, session }) {
      const result = session
        ? await (await session(interpreter)).run(code, { signal })
        : await interpreter.run(code, { signal, ...(rolloutId !== undefined && { rolloutId }) });
      if (result.status === "infrastructure") return new ToolAnswer(result.stderr, "infrastructure");
      return new ToolAnswer(interpreter.feedback(result), result.status);
    },
  });
}

import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { EngineRunner } from "./engine-runner.ts";
import { startQuickJs } from "./javascript.ts";
import { interpreterOptions } from "./options.ts";
import { PythonInterpreter } from "./python.ts";
import type { CodeInterpreter } from "./types.ts";

const anyOptions = interpreterOptions.extend({
  /** Language of the snippets. TypeScript's types are removed, not checked. */
  language: z.enum(["python", "javascript", "typescript"]).default("python"),
  /** `"auto"`: for Python the jail where it holds, else Pyodide; for JavaScript and TypeScript QuickJS. */
  engine: z.enum(["auto", "jail", "pyodide", "quickjs"]).default("auto"),
});

/** Options of {@link Interpreter.start}; all have defaults. */
export type InterpreterOptions = z.input<typeof anyOptions>;

/** The one door to all engines. */
export const Interpreter = {
  /**
   * Starts an interpreter. Its probes run first; where one gets through, it does not start.
   *
   * @example
   * const interpreter = await Interpreter.start({ language: "typescript" });
   * const { stdout } = await interpreter.run("const x: number = 6 * 7; console.log(x)");
   * @throws InvalidInputError for an impossible option, also an engine that does not run the language.
   * @throws InfrastructureError where the engine that was asked for does not start or its self-test fails.
   */
  async start(options: InterpreterOptions = {}): Promise<CodeInterpreter> {
    const { language, engine, ...rest } = parseInput(anyOptions, options, "interpreter options");
    if ((engine === "quickjs") !== (language !== "python") && engine !== "auto")
      throw new InvalidInputError(
        `Engine "${engine}" does not run ${language}.`,
        'QuickJS runs JavaScript and TypeScript, the others Python; "auto" chooses.',
      );
    if (language === "python") {
      const chosen = engine === "quickjs" ? "auto" : engine;
      return PythonInterpreter.start({ ...rest, engine: chosen });
    }
    const started = await startQuickJs({ ...rest, language });
    return new EngineRunner(language, { ...rest, engine: "auto" }, started, "the engine for this language");
  },
};

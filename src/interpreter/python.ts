import { InfrastructureError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { EngineRunner } from "./engine-runner.ts";
import { startJail } from "./jail/start.ts";
import {
  type CheckedOptions,
  interpreterOptions,
  type PythonInterpreterOptions,
  type StartedEngine,
} from "./options.ts";
import { startPyodide } from "./pyodide/start.ts";

/**
 * Runs Python snippets that a policy wrote: many at once, each in a fresh namespace, with a time, memory and output
 * limit; or sessions whose cells share variables.
 *
 * @example
 * const python = await PythonInterpreter.start({ timeoutMs: 5000 });
 * const result = await python.run("print(2**10)");
 * python.feedback(result); // "1024"
 * await python.close();
 */
export class PythonInterpreter extends EngineRunner {
  private constructor(options: CheckedOptions, started: StartedEngine, reason: string) {
    super("python", options, started, reason);
  }

  /**
   * Starts the processes; with `"auto"` the jail where its self-test holds, else Pyodide. `description` says which and
   * why.
   *
   * @throws InvalidInputError for an unknown or impossible option.
   * @throws InfrastructureError where the engine that was asked for does not start or its self-test fails.
   */
  static async start(options: PythonInterpreterOptions = {}): Promise<PythonInterpreter> {
    const checked = parseInput(interpreterOptions, options, "interpreter options");
    if (checked.engine === "jail") return new PythonInterpreter(checked, await startJail(checked), "as asked for");
    if (checked.engine === "pyodide")
      return new PythonInterpreter(checked, await startPyodide(checked), "as asked for");
    let reason: string;
    try {
      return new PythonInterpreter(checked, await startJail(checked), "chosen because its self-test holds here");
    } catch (error) {
      if (!(error instanceof InfrastructureError)) throw error;
      reason = error.message;
    }
    return new PythonInterpreter(checked, await startPyodide(checked), `chosen because there is no jail (${reason})`);
  }
}

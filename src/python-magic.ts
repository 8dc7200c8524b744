import { parseArgs } from "node:util";
import { z } from "zod";
import { InvalidInputError } from "./base/errors.ts";
import { parseInput } from "./base/schema.ts";
import { registerMagic, show, signal, tracebackSymbol, withDisplay } from "./display/index.ts";
import {
  type ExecutionResult,
  type InterpreterSession,
  markedSource,
  PythonInterpreter,
  stderrWithoutTraceback,
} from "./interpreter/index.ts";

const usage = "%%python [--engine auto|jail|pyodide] [--timeout SECONDS] [--memory MIB] [--session]";

const magicOptions = z.object({
  engine: z.enum(["auto", "jail", "pyodide"]).default("auto"),
  timeout: z.coerce.number().positive().max(3600).default(60),
  memory: z.coerce.number().int().min(64).max(2048).default(1024),
  session: z.boolean().default(false),
});
type MagicOptions = z.output<typeof magicOptions>;

function readOptions(text: string): MagicOptions {
  try {
    const { values } = parseArgs({
      args: text.split(/\s+/).filter((word) => word !== ""),
      options: {
        engine: { type: "string" },
        timeout: { type: "string" },
        memory: { type: "string" },
        session: { type: "boolean" },
      },
    });
    return parseInput(magicOptions, values, "options of %%python");
  } catch (error) {
    throw new InvalidInputError(`${(error as Error).message} Usage: ${usage}`);
  }
}

/** What a notebook keeps for its Python cells: an interpreter for each way to start one, and its open session. */
interface Kept {
  interpreter: PythonInterpreter;
  session: InterpreterSession | undefined;
}
const kept = new Map<string, Promise<Kept>>();

/** Started on first use; one that did not start is tried again by the next cell. */
function interpreterFor({ engine, memory }: MagicOptions): Promise<Kept> {
  const key = `${engine} ${memory}`;
  const known = kept.get(key);
  if (known) return known;
  const started = PythonInterpreter.start({ engine, memoryMb: memory }).then((interpreter): Kept => {
    return { interpreter, session: undefined };
  });
  kept.set(key, started);
  started.catch(() => kept.delete(key));
  return started;
}

/** The notebook's session; a new one where none is open or the last one was lost. */
async function sessionOf(keeps: Kept): Promise<InterpreterSession> {
  const lost = keeps.session?.lost;
  if (lost !== undefined) {
    process.stderr.write(`The session's variables are gone: ${lost} This cell runs in a new one.\n`);
    keeps.session = undefined;
  }
  keeps.session ??= await keeps.interpreter.session({ signal: signal() });
  return keeps.session;
}

/** A failure as the notebook shows it: Python's own traceback, and the cell's line that failed. */
function failureOf({ status, error }: ExecutionResult, code: string): Error {
  const failure = new Error(error?.message ?? `the cell ended with status ${status}`);
  failure.name = error?.name ?? status;
  const head = error?.traceback || `${failure.name}: ${failure.message}`;
  const lines = `${head}\n${markedSource(code, error?.line)}`.trimEnd().split("\n");
  Object.defineProperty(failure, tracebackSymbol, { value: lines });
  return failure;
}

/**
 * Makes `%%python` cells run in a sandboxed interpreter of their own, started on first use. A cell is a fresh program, as
 * a policy's snippets are; with `--session` the notebook's cells share variables. What it prints, its figures and the
 * value of its last expression stand under the cell; an exception fails it.
 */
export function registerPythonMagic(): void {
  registerMagic("python", async (code, args) => {
    const options = readOptions(args);
    const keeps = await interpreterFor(options);
    const runner = options.session ? await sessionOf(keeps) : keeps.interpreter;
    const result = await runner.run(code, {
      timeoutMs: options.timeout * 1000,
      lastExpression: true,
      plots: true,
      signal: signal(),
    });
    if (result.stdout) process.stdout.write(result.stdout);
    const complaint = stderrWithoutTraceback(result);
    if (complaint) process.stderr.write(complaint);
    for (const { mime, data } of result.images ?? [])
      show(withDisplay({}, () => ({ [mime]: data, "text/plain": "a figure" })));
    if (result.status !== "ok") throw failureOf(result, code);
    const { value } = result;
    return value === undefined ? undefined : withDisplay({}, () => ({ "text/plain": value }));
  });
}

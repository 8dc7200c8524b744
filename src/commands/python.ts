import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { z } from "zod";
import { InterruptedError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { type ExecutionResult, PythonInterpreter } from "../interpreter/index.ts";
import { serveJsonLines } from "./json-lines.ts";

const usage = `Usage: cirlab python --jsonl [--engine auto|jail|pyodide] [--lanes N]

Runs Python snippets in the sandbox: one JSON object a line in, one a line out, in the order of the input.
  --jsonl           the batch mode; it must be named
  --engine ENGINE   jail (Linux), pyodide (everywhere) or auto, the jail where it holds (default: auto)
  --lanes N         snippets that run at the same time (default: the number of cores)

In:  { "id", "code", "timeoutMs"?, "memoryMb"?, "maxOutputBytes"?, "lastExpression"?, "plots"? }
Out: { "id", "status", "exitCode", "stdout", "stderr", "durationMs", "queuedMs", "peakMemoryMb", "truncated",
       "error"?, "value"?, "images"?, "stdoutBase64"?, "stderrBase64"? }
     status: ok, error, timeout, memory, outputLimit, crash, infrastructure (the sandbox failed, not the code);
     a line that cannot be served: { "id"?, "line", "status": "invalid", "error": { "name", "message" } }
Nothing is shared between snippets.

Exit code: 0 every line is answered; 1 the sandbox does not start or failed for a snippet; 2 the options cannot be used;
130 interrupted; 141 nobody reads the answers.`;

const request = z.strictObject({
  id: z.union([z.string(), z.number()]),
  code: z.string(),
  timeoutMs: z.number().positive().max(3_600_000).optional(),
  memoryMb: z.number().int().min(16).max(4096).optional(),
  maxOutputBytes: z
    .number()
    .int()
    .min(1)
    .max(64 * 2 ** 20)
    .optional(),
  lastExpression: z.boolean().optional(),
  plots: z.boolean().optional(),
});

const commandOptions = z.object({
  engine: z.enum(["auto", "jail", "pyodide"]).default("auto"),
  lanes: z.coerce.number().int().min(1).max(256).default(availableParallelism()),
});

/** A result as one line of JSON holds it: bytes that are no text stand in base64. */
function toLine(id: string | number, { stdoutBytes, stderrBytes, ...result }: ExecutionResult): object {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    id,
    ...result,
    ...(stdoutBytes && { stdoutBase64: base64(stdoutBytes) }),
    ...(stderrBytes && { stderrBase64: base64(stderrBytes) }),
  };
}

/** Answers read ahead of the one that is written next: enough that a slow snippet does not idle the other lanes. */
const windowPerLane = 16;

/** `cirlab python --jsonl`: the sandbox as a filter. */
export async function main(argv: string[]): Promise<number> {
  let options: z.output<typeof commandOptions>;
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        jsonl: { type: "boolean" },
        engine: { type: "string" },
        lanes: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    if (!values.jsonl) throw new InvalidInputError("--jsonl is missing: cirlab python --jsonl < snippets.jsonl");
    options = parseInput(commandOptions, values, "options");
  } catch (error) {
    console.error(`cirlab python: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  return serve(options);
}

async function serve({ engine, lanes }: z.output<typeof commandOptions>): Promise<number> {
  const control = new AbortController();
  setMaxListeners(0, control.signal); // one for each snippet under way
  const interrupt = (): void => control.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  let python: PythonInterpreter | undefined;
  let failures = 0;
  try {
    python = await PythonInterpreter.start({ engine, lanes, isolation: "snippet" });
    const interpreter = python;
    console.error(`cirlab python: ${interpreter.description}`);
    await serveJsonLines({
      input: process.stdin,
      output: process.stdout,
      schema: request,
      window: windowPerLane * lanes,
      signal: control.signal,
      serve: async ({ id, code, ...limits }) => {
        const result = await interpreter.run(code, { ...limits, signal: control.signal });
        if (result.status === "infrastructure") failures++;
        return toLine(id, result);
      },
    });
    if (failures) console.error(`cirlab python: the sandbox failed for ${failures} snippets.`);
    return failures ? 1 : 0;
  } catch (error) {
    if (error instanceof InterruptedError) return 130;
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return 141;
    console.error(`cirlab python: ${(error as Error).message}`);
    return 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    await python?.close();
  }
}

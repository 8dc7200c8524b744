import { setMaxListeners } from "node:events";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { z } from "zod";
import { InterruptedError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { Grader } from "../reward/grader.ts";
import { GraderFailure } from "../reward/grader-lane.ts";
import { serveJsonLines } from "./json-lines.ts";

const usage = `Usage: cirlab grade --jsonl [--sympy auto|none] [--lanes N]

Decides whether answers are mathematically equal: one JSON object a line in, one a line out, in the order of the input.
  --jsonl           the batch mode; it must be named
  --sympy auto      ask sympy, in the sandbox, where exact forms prove nothing and this machine has it; none: never
                    (default: auto)
  --lanes N         pairs that are compared at the same time (default: the number of cores)

In:  { "id", "gold", "answer" }: the reference answer and the one to be graded, in LaTeX or typed plainly
Out: { "id", "equal", "how", "notes" }
     how: identical, exact, symbolic, text, structure, sympy, numeric, numericReject, undecided, unparsed;
     notes: what was let pass (units, percent, order of a list, ...);
     { "id", "equal": null, "how": "failure", "notes", "error" } where the grader itself failed;
     a line that cannot be served: { "id"?, "line", "status": "invalid", "error": { "name", "message" } }

Exit code: 0 every line is answered; 1 the grader does not start or failed for a pair; 2 the options cannot be used;
130 interrupted; 141 nobody reads the answers.`;

const request = z.strictObject({ id: z.union([z.string(), z.number()]), gold: z.string(), answer: z.string() });

const commandOptions = z.object({
  sympy: z.enum(["auto", "none"]).default("auto"),
  lanes: z.coerce.number().int().min(1).max(64).default(availableParallelism()),
});

/** Lines read ahead of the one that is answered next, for each lane. */
const windowPerLane = 32;

/** `cirlab grade --jsonl`: the grader as a filter. */
export async function main(argv: string[]): Promise<number> {
  let options: z.output<typeof commandOptions>;
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        jsonl: { type: "boolean" },
        sympy: { type: "string" },
        lanes: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    if (!values.jsonl) throw new InvalidInputError("--jsonl is missing: cirlab grade --jsonl < pairs.jsonl");
    options = parseInput(commandOptions, values, "options");
  } catch (error) {
    console.error(`cirlab grade: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  return serve(options);
}

async function serve({ sympy, lanes }: z.output<typeof commandOptions>): Promise<number> {
  const control = new AbortController();
  setMaxListeners(0, control.signal);
  const interrupt = (): void => control.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  let grader: Grader | undefined;
  let failures = 0;
  try {
    grader = await Grader.start({ interpreter: sympy, lanes });
    const started = grader;
    await serveJsonLines({
      input: process.stdin,
      output: process.stdout,
      schema: request,
      window: windowPerLane * lanes,
      signal: control.signal,
      serve: async ({ id, gold, answer }) => {
        try {
          const { equal, how, notes } = await started.grade(gold, answer);
          return { id, equal, how, notes };
        } catch (error) {
          if (!(error instanceof GraderFailure)) throw error;
          failures++;
          return { id, equal: null, how: "failure", notes: [], error: { name: error.name, message: error.message } };
        }
      },
    });
    if (failures) console.error(`cirlab grade: the grader failed for ${failures} pairs.`);
    return failures ? 1 : 0;
  } catch (error) {
    if (error instanceof InterruptedError) return 130;
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return 141;
    console.error(`cirlab grade: ${(error as Error).message}`);
    return 1;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    await grader?.close();
  }
}

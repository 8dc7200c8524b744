import { parseArgs } from "node:util";
import { InvalidInputError, LabError } from "../base/errors.ts";
import { formatBytes } from "../display/index.ts";
import { type ExportOptions, exportFormats, exportRun } from "../interop/index.ts";
import { findRun } from "./find-run.ts";

const usage = `Usage: cirlab export RUN --to FORMAT [--out FOLDER] [--steps FIRST-LAST] [--follow]

Writes what a run has recorded, finished or still training, in a format that others read.
  RUN                a run's id, the unique beginning of one, or its folder
  --to tensorboard   an event file of metrics, alerts and settings
  --to metrics       metrics.jsonl: a line for each step
  --to trl           rollouts in TRL's dataset formats: messages, prompt and completion, tokens with masks
  --to verl          tasks and rollouts as verl's Parquet
  --out FOLDER       where the files go (default: export/FORMAT in the run's folder, where tensorboard --logdir runs
                     finds them); files of an earlier export are replaced
  --steps FIRST-LAST steps whose rollouts are exported (default: all)
  --follow           for TensorBoard: go on with every step until the training ends or this command is interrupted
  --folder FOLDER    where the runs lie (default: runs)

Exit code: 0 written; 1 the run cannot be read; 2 the arguments cannot be used.`;

/** `cirlab export`. */
export async function main(argv: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        to: { type: "string" },
        out: { type: "string" },
        steps: { type: "string" },
        follow: { type: "boolean", default: false },
        folder: { type: "string", default: "runs" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    const [name, ...others] = positionals;
    if (others.length) throw new InvalidInputError(`One run at a time, was given ${positionals.join(", ")}.`);
    if (!values.to) throw new InvalidInputError(`--to is missing: ${exportFormats.join(", ")}.`);
    const { to, out, follow } = values;
    const options = { to, out, follow, steps: stepsOf(values.steps) } as ExportOptions;
    const { folder, files } = await interruptible((signal) =>
      findRun(name, values.folder).then((run) => exportRun(run, options, signal)),
    );
    console.log(folder);
    for (const file of files) console.log(`  ${file.name}  ${file.rows} rows  ${formatBytes(file.bytes)}`);
    return 0;
  } catch (error) {
    const isUsage = error instanceof InvalidInputError || error instanceof TypeError;
    console.error(`cirlab export: ${(error as Error).message}${isUsage ? "\n\ncirlab export --help tells more." : ""}`);
    if (isUsage) return 2;
    if (error instanceof LabError) return 1;
    throw error;
  }
}

function stepsOf(text: string | undefined): [number, number] | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+)-(\d+)$/.exec(text);
  if (!match) throw new InvalidInputError(`--steps takes the first and the last, for example 10-20, was ${text}.`);
  return [Number(match[1]), Number(match[2])];
}

/** Lends a signal that the first interrupt of this process aborts. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const control = new AbortController();
  const stop = (): void => control.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    return await work(control.signal);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

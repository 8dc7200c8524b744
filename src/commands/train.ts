import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { z } from "zod";
import { InterruptedError, InvalidInputError, LabError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { PythonInterpreter } from "../interpreter/index.ts";
import { Lab } from "../lab.ts";
import { Part } from "../parts/index.ts";
import { Policy } from "../policy/policy.ts";
import { presets } from "../policy/presets.ts";
import { recipes } from "../recipes/index.ts";
import { Run } from "../recording/index.ts";
import { type ArithmeticFamily, tasks } from "../rollout/tasks/index.ts";
import { recordedInterpreter } from "../training/interpreter-setup.ts";
import type { TrainerOptions } from "../training/open-steps.ts";
import { repeatRun } from "../training/repeat.ts";
import { readSetup } from "../training/run-folder.ts";
import { sft } from "../training/sft.ts";
import { Trainer } from "../training/trainer.ts";
import { type Difference, differenceLines } from "../training/version-differences.ts";
import { settings } from "./runs.ts";

const usage = `Usage: cirlab train --recipe NAME [--steps N] [--set name=value]...
       cirlab train --from RUN [--parts FILE] [--steps N]
       cirlab train --resume RUN [--parts FILE] [--steps N] [--set name=value]...

Trains, and records under ./runs. Steer it meanwhile with cirlab runs pause | set | stop RUN.
  --recipe NAME       a published configuration: ${Object.keys(recipes).join(", ")}
  --from RUN          the folder of a recorded run: trains it again from its beginning, with its changes of settings, and
                      prints which versions and which figures differ
  --resume RUN        goes on with a recorded run in its own folder, with its interpreter's options, and prints which
                      versions differ
  --parts FILE        with --from and --resume: a JavaScript module that exports the run's code of the user's own, made with
                      reward, taskFamily, filter, estimator, objective, guard and schedule
  --steps N           steps to take (default: 60; with --from as many as were recorded)
  --set name=value    a setting; values are JSON where they can be, else text
  --policy NAME       ${Object.keys(presets).join(", ")}, or the folder of a checkpoint (default: tiny-math)
  --cold-start N      steps of supervised training on traces before (default: 0)
  --tasks WHAT        families of arithmetic tasks with commas between them, or a .jsonl or .parquet file (default: all families)
  --seed N            root of all randomness (default: 80)
  --device DEVICE     auto, cpu, webgpu or cuda (default: auto)
  --engine ENGINE     of the Python sandbox: auto, jail or pyodide (default: auto; with --resume the recorded one)
  --folder FOLDER     where the run's folder is made (default: runs)

Exit code: 0 trained (with --from: with the same figures); 1 it failed, or figures differ; 2 the arguments cannot be
used; 130 interrupted: after the step in flight, and the run can be resumed.`;

const optionsSchema = z.object({
  recipe: z.enum(Object.keys(recipes) as [keyof typeof recipes]).optional(),
  from: z.string().optional(),
  resume: z.string().optional(),
  parts: z.string().optional(),
  steps: z.coerce.number().int().positive().optional(),
  set: z.array(z.string()).optional(),
  policy: z.string().default("tiny-math"),
  "cold-start": z.coerce.number().int().nonnegative().default(0),
  tasks: z.string().optional(),
  seed: z.coerce.number().int().nonnegative().default(80),
  device: z.enum(["auto", "cpu", "webgpu", "cuda"]).default("auto"),
  engine: z.enum(["auto", "jail", "pyodide"]).optional(),
  folder: z.string().default("runs"),
});

type Options = z.output<typeof optionsSchema>;

/** `cirlab train`. */
export async function main(argv: string[]): Promise<number> {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        ...(Object.fromEntries(Object.keys(optionsSchema.shape).map((name) => [name, text])) as Record<
          string,
          typeof text
        >),
        set: { type: "string", multiple: true },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    const options = parseInput(optionsSchema, values, "options");
    const ways = [options.recipe, options.from, options.resume].filter((way) => way !== undefined);
    if (ways.length !== 1) throw new InvalidInputError("Say one of --recipe, --from and --resume.");
    if (options.from && options.set) throw new InvalidInputError("--from repeats a run as it was: it takes no --set.");
    if (options.recipe && options.parts) throw new InvalidInputError("--parts goes with --from and --resume.");
    return await (options.from ? repeat(options.from, options) : train(options));
  } catch (error) {
    if (error instanceof InterruptedError) return 130;
    const isUsage = error instanceof InvalidInputError || (error as Error).name === "TypeError";
    console.error(`cirlab train: ${(error as Error).message}${isUsage ? "\n\ncirlab train --help tells more." : ""}`);
    if (isUsage) return 2;
    if (error instanceof LabError) return 1;
    throw error;
  }
}

async function train(options: Options): Promise<number> {
  const { recipe, resume, steps = 60, set, folder } = options;
  const changes = set ? settings(set) : {};
  const trainer = resume ? await takeUp(resume, options) : await make(recipe!, changes, options);
  try {
    trainer.configure(changes);
    const run = trainer.start(steps, { record: folder });
    let isInterrupted = false;
    const stop = (): void => {
      if (isInterrupted) process.exit(130);
      isInterrupted = true;
      console.error("cirlab train: stops after this step; once more ends at once.");
      void run.stop();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
    try {
      await run.done;
    } finally {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    }
    console.log((await trainer.openRun(folder)).folder);
    return isInterrupted ? 130 : 0;
  } finally {
    await trainer.interpreter?.close();
  }
}

/** A trainer of a recorded run, with the run's own interpreter, if need be on another engine. */
async function takeUp(folder: string, { engine, parts: file }: Options): Promise<Trainer> {
  const parts = await partsOf(file);
  const onVersions = (differences: readonly Difference[]): void => say("versions", differences);
  const setup = engine && readSetup((await Run.open(folder)).config).interpreter;
  if (!setup) return Trainer.resume(folder, { parts, onVersions });
  const interpreter = await recordedInterpreter(setup, engine);
  try {
    return await Trainer.resume(folder, { interpreter, parts, onVersions });
  } catch (error) {
    await interpreter.close();
    throw error;
  }
}

/** The parts that a module exports. */
async function partsOf(file: string | undefined): Promise<Part[]> {
  if (file === undefined) return [];
  const module = (await import(pathToFileURL(resolve(file)).href)) as Readonly<Record<string, unknown>>;
  const parts = Object.values(module).filter((value) => value instanceof Part);
  if (!parts.length)
    throw new InvalidInputError(
      `${file} exports no code of the user's own.`,
      'Write: export const mine = estimator("mine", ...);',
    );
  return parts;
}

async function make(
  recipe: keyof typeof recipes,
  changes: Partial<TrainerOptions>,
  options: Options,
): Promise<Trainer> {
  const interpreter = await PythonInterpreter.start({ engine: options.engine, isolation: "pooled" });
  try {
    return await trainerOf(recipe, changes, interpreter, options);
  } catch (error) {
    await interpreter.close();
    throw error;
  }
}

async function trainerOf(
  recipe: keyof typeof recipes,
  changes: Partial<TrainerOptions>,
  interpreter: PythonInterpreter,
  { policy: name, seed, device, steps = 60, tasks: what, "cold-start": coldStart }: Options,
): Promise<Trainer> {
  const lab = new Lab({ seed, device });
  const policy = Object.hasOwn(presets, name) ? await Policy.create(name, { lab }) : await Policy.load(name, { lab });
  const isFile = what !== undefined && /\.(jsonl|parquet)$/.test(what);
  const families = what?.split(",") as ArithmeticFamily[] | undefined;
  const arithmetic = isFile ? undefined : tasks.arithmetic(families && { families });
  const taskset = arithmetic ?? (await tasks.load(what!));
  if (coldStart) {
    if (!arithmetic) throw new InvalidInputError("--cold-start has traces for arithmetic tasks alone.");
    await sft({ lab, policy, interpreter, taskset: arithmetic, steps: coldStart });
  }
  return new Trainer({ ...recipes[recipe]({ steps }), recipe, ...changes, lab, policy, interpreter, taskset });
}

function say(title: string, differences: readonly Difference[]): void {
  console.log(`${title}: ${differences.length ? "" : "the same"}`);
  for (const line of differenceLines(differences)) console.log(`  ${line}`);
}

async function repeat(folder: string, { steps, folder: target, parts: file }: Options): Promise<number> {
  const {
    run,
    metrics,
    steps: taken,
  } = await repeatRun(folder, (parts, given) => new Trainer({ ...given, ...parts }), {
    parts: await partsOf(file),
    steps,
    folder: target,
    onVersions: (versions) => say("versions", versions),
  });
  say(`figures of ${taken} steps`, metrics);
  console.log(run.folder);
  return metrics.length ? 1 : 0;
}

import { z } from "zod";
import type { LabContext } from "../base/context.ts";
import { InterruptedError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { progress } from "../display/index.ts";
import { type EvaluateOptions, evaluate } from "../evaluation/evaluate.ts";
import { Part } from "../parts/index.ts";
import type { Taskset } from "../rollout/tasks/index.ts";
import { Comparison, type ComparisonArm, type ComparisonRun } from "./comparison.ts";
import { ComparisonCache, digestOfWeights, type RunIdentity } from "./comparison-cache.ts";
import { type TrainerConfig, type TrainerSettings, trainerConfigSchema } from "./config.ts";
import type { TrainerOptions } from "./open-steps.ts";
import { Trainer } from "./trainer.ts";

/** What every run is asked at its end. */
export interface ComparisonEvaluation extends Omit<EvaluateOptions, "interpreter" | "tools"> {
  readonly taskset: Taskset;
}

export interface CompareOptions {
  /** What every run starts from. Its policy is copied, never changed. */
  readonly base: Omit<TrainerOptions, "lab">;
  /**
   * What is changed, one thing at a time: a setting with its values (`{ clipRatioHigh: [0.2, 0.4] }`), or a named arm
   * with its settings (`{ "mask off": { maskToolTokens: false } }`). The control, with nothing changed, is always there.
   */
  readonly vary: Readonly<Record<string, readonly unknown[] | Partial<TrainerSettings>>>;
  /** Steps of each run. */
  readonly steps: number;
  /** Root seeds; every arm runs with each of them, on the same tasks and noise. Default: the lab's. */
  readonly seeds?: readonly number[];
  /**
   * Evaluates the policy at the end of every run, on tasks that it was not trained on; a function gives each arm its own.
   * What it does not say about the prompt and the sampling is as in the arm's training.
   */
  readonly evaluation?: ComparisonEvaluation | ((arm: string) => ComparisonEvaluation);
  /**
   * Folder that keeps every finished run: a comparison that was interrupted, or that gets another arm or seed, does only
   * what is missing. Default: nothing is kept.
   */
  readonly folder?: string;
}

const numbersSchema = z.object({
  steps: z.int().positive(),
  seeds: z.array(z.int().nonnegative()).min(1).optional(),
  folder: z.string().min(1).optional(),
});

/**
 * Counterfactuals: the same policy, seeds, tasks and noise with one thing changed. An arm meets other batches than the
 * control only from the first step on whose update differs.
 *
 * @param withSeed the lab with another root seed.
 * @throws InvalidInputError for an arm whose settings do not fit; nothing has run then.
 * @throws InterruptedError when the cell is interrupted; finished runs are kept where a folder is given.
 */
export async function compare(
  lab: LabContext,
  withSeed: (seed: number) => LabContext,
  options: CompareOptions,
): Promise<Comparison> {
  const { base, vary } = options;
  const { steps, seeds = [lab.seed], folder } = parseInput(numbersSchema, options, "options of compare");
  if (new Set(seeds).size < seeds.length)
    throw new InvalidInputError(`A seed comes twice: ${seeds.join(", ")}.`, "Each seed is one repetition.");
  const arms = armsOf(vary);
  for (const [name, changes] of arms) await checkArm(lab, base, name, changes);
  const results = arms.map(([name, changes]) => ({ name, changes, runs: [] as ComparisonRun[] }));
  const cache = folder === undefined ? undefined : new ComparisonCache(folder);
  const weights = cache ? await digestOfWeights(base.policy) : "";
  const bar = progress({ total: arms.length * seeds.length * steps }, { label: "comparison", unit: "steps" });
  let taken = 0;
  try {
    for (const seed of seeds) {
      const policy = await base.policy.clone();
      const trainer = new Trainer({ ...base, lab: withSeed(seed), policy });
      const start = await trainer.checkpoint();
      const control = { ...trainer.config };
      for (const { name, changes, runs } of results) {
        trainer.configure({ ...control, ...changes });
        const evaluation = evaluationOf(options, name, trainer.config);
        const identity: RunIdentity = { arm: name, steps, trainer, weights, evaluation };
        let run = await cache?.read(identity);
        if (!run) {
          await trainer.restore(start);
          const metrics: Readonly<Record<string, number>>[] = [];
          for (let step = 0; step < steps; step++) {
            if (lab.signal()?.aborted)
              throw new InterruptedError(`The comparison was interrupted after ${taken} steps.`);
            metrics.push({ ...(await trainer.trainStep()).metrics });
            bar.set(taken + step + 1, { text: `${name}, seed ${seed}` });
          }
          const asked = evaluation && {
            ...evaluation.options,
            interpreter: base.interpreter,
            tools: base.tools,
            name: `${name}, ${seed}`,
          };
          const card = asked && (await evaluate(trainer.lab, policy, evaluation.taskset, asked));
          run = { seed, metrics, ...(card && { card }) };
          await cache?.write(identity, run);
        }
        runs.push(run);
        taken += steps;
        bar.set(taken, { text: `${name}, seed ${seed}` });
      }
      await trainer.close();
      await policy.engine.dispose(Object.values(policy.parameters));
    }
  } finally {
    bar.done();
  }
  return new Comparison(results as ComparisonArm[], steps);
}

/** What an arm's policy is asked at the end, and how: as in its training, but for what the caller said. */
function evaluationOf({ evaluation }: CompareOptions, arm: string, config: TrainerConfig): RunIdentity["evaluation"] {
  if (!evaluation) return undefined;
  const { taskset, ...given } = typeof evaluation === "function" ? evaluation(arm) : evaluation;
  const { promptFormat, temperature, topP, maxLength } = config;
  return { taskset, options: { promptFormat, temperature, topP, maxLength, ...given } };
}

type Arm = readonly [name: string, changes: Partial<TrainerSettings>];

/** What a value is called: code of the user's own by its name. */
function labelOf(value: unknown): string {
  if (value instanceof Part || typeof value === "function") return value.name;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function armsOf(vary: CompareOptions["vary"]): Arm[] {
  const arms: Arm[] = [["control", {}]];
  for (const [name, value] of Object.entries(vary)) {
    if (!Array.isArray(value)) arms.push([name, value as Partial<TrainerSettings>]);
    else for (const one of value) arms.push([`${name} ${labelOf(one)}`, { [name]: one }]);
  }
  const names = arms.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InvalidInputError(`The arm ${JSON.stringify(twice)} comes twice.`);
  if (arms.length === 1) throw new InvalidInputError("compare() was given nothing to vary.");
  return arms;
}

async function checkArm(
  lab: LabContext,
  base: CompareOptions["base"],
  name: string,
  changes: Partial<TrainerSettings>,
): Promise<void> {
  const known = Object.keys(trainerConfigSchema.shape) as (keyof TrainerConfig)[];
  const unchanged = Object.keys(changes).filter((key) => !known.includes(key as keyof TrainerConfig));
  if (unchanged.length)
    throw new InvalidInputError(
      `Arm ${JSON.stringify(name)} changes ${unchanged.join(", ")}: that is no setting of a trainer.`,
      "Write { setting: [values] }, or { name: { setting: value } }.",
    );
  try {
    new Trainer({ ...base, ...changes, lab });
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(`Arm ${JSON.stringify(name)}: ${error.message}`, error.hint);
  }
}

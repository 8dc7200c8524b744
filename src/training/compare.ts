import { z } from "zod";
import type { LabContext } from "../base/context.ts";
import { InterruptedError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { progress } from "../display/index.ts";
import { Comparison, type ComparisonArm } from "./comparison.ts";
import { type TrainerConfig, type TrainerSettings, trainerConfigSchema } from "./config.ts";
import { Trainer, type TrainerOptions } from "./trainer.ts";

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
}

const numbersSchema = z.object({
  steps: z.int().positive(),
  seeds: z.array(z.int().nonnegative()).min(1).optional(),
});

/**
 * Counterfactuals: the same policy, seeds, tasks and noise with one thing changed. An arm meets other batches than the
 * control only from the first step on whose update differs.
 *
 * @param withSeed the lab with another root seed.
 * @throws InvalidInputError for an arm whose settings do not fit; nothing has run then.
 * @throws InterruptedError when the cell is interrupted; nothing is kept.
 */
export async function compare(
  lab: LabContext,
  withSeed: (seed: number) => LabContext,
  options: CompareOptions,
): Promise<Comparison> {
  const { base, vary } = options;
  const { steps, seeds = [lab.seed] } = parseInput(numbersSchema, options, "options of compare");
  if (new Set(seeds).size < seeds.length)
    throw new InvalidInputError(`A seed comes twice: ${seeds.join(", ")}.`, "Each seed is one repetition.");
  const arms = armsOf(vary);
  for (const [name, changes] of arms) await checkArm(lab, base, name, changes);
  const results: ComparisonArm[] = arms.map(([name, changes]) => ({ name, changes, runs: [] }));
  const bar = progress({ total: arms.length * seeds.length * steps }, { label: "comparison", unit: "steps" });
  let taken = 0;
  try {
    for (const seed of seeds) {
      const policy = await base.policy.clone();
      const trainer = new Trainer({ ...base, lab: withSeed(seed), policy });
      const start = await trainer.checkpoint();
      const control = { ...trainer.config };
      for (const { name, changes, runs } of results) {
        await trainer.restore(start);
        trainer.configure({ ...control, ...changes });
        const metrics: Readonly<Record<string, number>>[] = [];
        for (let step = 0; step < steps; step++) {
          if (lab.signal()?.aborted) throw new InterruptedError(`The comparison was interrupted after ${taken} steps.`);
          metrics.push({ ...(await trainer.trainStep()).metrics });
          bar.set(++taken, { text: `${name}, seed ${seed}` });
        }
        runs.push({ seed, metrics });
      }
      await trainer.close();
      await policy.engine.dispose(Object.values(policy.parameters));
    }
  } finally {
    bar.done();
  }
  return new Comparison(results, steps);
}

type Arm = readonly [name: string, changes: Partial<TrainerSettings>];

function armsOf(vary: CompareOptions["vary"]): Arm[] {
  const arms: Arm[] = [["control", {}]];
  for (const [name, value] of Object.entries(vary)) {
    if (!Array.isArray(value)) arms.push([name, value as Partial<TrainerSettings>]);
    else
      for (const one of value)
        arms.push([`${name} ${typeof one === "object" ? JSON.stringify(one) : one}`, { [name]: one }]);
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

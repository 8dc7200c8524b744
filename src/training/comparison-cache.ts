import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { LabContext } from "../base/context.ts";
import { writeFileAtomic } from "../base/files.ts";
import { versions } from "../base/versions.ts";
import { EvaluationCard } from "../evaluation/index.ts";
import type { Policy } from "../policy/policy.ts";
import { ownRewards } from "../reward/index.ts";
import type { Taskset } from "../rollout/tasks/index.ts";
import type { ComparisonRun } from "./comparison.ts";
import { helpersSetup } from "./helpers-setup.ts";
import type { Trainer } from "./trainer.ts";

const fileSchema = z.object({
  metrics: z.array(z.record(z.string(), z.number())).min(1),
  card: z.looseObject({}).optional(),
});

/** What decides the outcome of one run beside the lab's own code. */
export interface RunIdentity {
  readonly arm: string;
  readonly steps: number;
  readonly trainer: Trainer;
  /** Of the weights that the run starts from. */
  readonly weights: string;
  /** How the run is evaluated, and on what. */
  readonly evaluation?: { readonly taskset: Taskset; readonly options: object };
}

/**
 * Finished runs of a comparison, one file each in a folder, so that an interrupted comparison goes on where it was. A run
 * is taken from its file only where everything that decides it is the same: start weights, settings, seed, tasks, reward,
 * interpreter, evaluation and versions.
 */
export class ComparisonCache {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The finished run, or undefined where there is none that can be read. */
  async read(identity: RunIdentity): Promise<ComparisonRun | undefined> {
    try {
      const { metrics, card } = fileSchema.parse(JSON.parse(await readFile(this.#path(identity), "utf8")));
      if (metrics.length !== identity.steps || Boolean(card) !== Boolean(identity.evaluation)) return undefined;
      const evaluated = card && new EvaluationCard(card as never);
      return { seed: identity.trainer.lab.seed, metrics, ...(evaluated && { card: evaluated }), reused: true };
    } catch {
      // Absent, or of another version: the run is made again and the file replaced.
      return undefined;
    }
  }

  async write(identity: RunIdentity, { metrics, card }: ComparisonRun): Promise<void> {
    await writeFileAtomic(this.#path(identity), `${JSON.stringify({ metrics, ...(card && { card }) })}\n`);
  }

  #path(identity: RunIdentity): string {
    const { arm, trainer } = identity;
    const name = arm.replace(/[^\w.-]+/g, "-");
    return join(this.folder, `${name}-${trainer.lab.seed}-${digest(outcomeDeciders(identity)).slice(0, 16)}.json`);
  }
}

/** A digest of a policy's weights. */
export async function digestOfWeights(policy: Policy): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(await policy.weights()))
    hash.update(name).update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex");
}

function outcomeDeciders({ steps, trainer, weights, evaluation }: RunIdentity): unknown {
  const { lab, policy, interpreter, taskset, reward } = trainer;
  return {
    versions: versions(),
    engine: policy.engine.report,
    lab: { seed: lab.seed },
    weights,
    architecture: policy.config,
    tokenizer: policy.tokenizer.toJSON(),
    settings: trainer.config,
    steps,
    ...(interpreter && { interpreter: { description: interpreter.description, packages: interpreter.packages } }),
    ...helpersSetup(trainer),
    reward: { name: reward.name, score: reward.score, own: ownRewards(reward) },
    tasks: sampleOf(taskset, lab),
    ...(evaluation && { evaluation: { ...evaluation.options, tasks: sampleOf(evaluation.taskset, lab) } }),
  };
}

/** All tasks of a short list, else enough to tell it from another: a task set may be without end. */
function sampleOf(taskset: Taskset, lab: LabContext): unknown {
  const { name, families, size } = taskset;
  const stream = lab.random("comparison");
  const count = Math.min(size ?? 64, 512);
  const some = Array.from({ length: count }, (_, i) => (size === undefined ? taskset.sample(stream) : taskset.at(i)));
  return { name, families, size, tasks: some };
}

/** Functions count by their text. */
function digest(value: unknown): string {
  const text = JSON.stringify(value, (_, part) => (typeof part === "function" ? String(part) : part));
  return createHash("sha256").update(text).digest("hex");
}

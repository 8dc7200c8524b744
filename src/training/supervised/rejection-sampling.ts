/**
 * Rejection sampling: several rollouts of each prompt, of which the right ones are kept as examples (rejection-sampling
 * fine-tuning, Yuan et al. 2023, arXiv:2308.01825). Rollouts of the same tokens count once, and a prompt gives at most
 * `maxPerPrompt`, so that easy prompts do not drown the others.
 */

import { z } from "zod";
import type { LabContext } from "../../base/context.ts";
import { InfrastructureError } from "../../base/errors.ts";
import { parseInput } from "../../base/schema.ts";
import type { CodeInterpreter } from "../../interpreter/types.ts";
import type { Policy } from "../../policy/policy.ts";
import { type Reward, rewards } from "../../reward/index.ts";
import type { Taskset } from "../../rollout/tasks/index.ts";
import type { ToolBox } from "../../tools/index.ts";
import type { Batch, ScoredRollout } from "../batch.ts";
import { checkedConfig } from "../check-config.ts";
import { collectBatch } from "../collect-batch.ts";
import { configAt, trainerConfigSchema } from "../config.ts";
import { scoreRollouts } from "../score-rollout.ts";

const { promptFormat, statefulCode, maxInfrastructureRate } = trainerConfigSchema.shape;

/** Settings of a collection. */
export const rejectionSettings = {
  /** Prompts of a collection. */
  promptsPerStep: z.int().positive().default(64),
  /** Rollouts of each prompt. */
  numGenerations: z.int().positive().default(8),
  /** Right rollouts kept of each prompt: the first ones. */
  maxPerPrompt: z.int().positive().default(4),
  temperature: z.number().positive().default(1),
  topP: z.number().positive().max(1).default(1),
  /** Executions allowed per rollout. */
  maxToolCalls: z.int().nonnegative().default(3),
  /** Tokens of a rollout in all, prompt included. Default: as many as the policy has positions. */
  maxLength: z.int().positive().optional(),
  promptFormat,
  statefulCode,
  maxInfrastructureRate,
};

const schema = z.strictObject(rejectionSettings);

export type RejectionConfig = z.infer<typeof schema>;
export type RejectionSettings = z.input<typeof schema>;

/** What rollouts are made of. */
export interface RejectionParts {
  lab: LabContext;
  policy: Policy;
  interpreter: CodeInterpreter | ToolBox;
  taskset: Taskset;
  /** Default: +1 or -1 on the last boxed answer. */
  reward?: Reward | undefined;
}

export interface RejectionSamplingOptions extends RejectionSettings, RejectionParts {
  /** Which collection: another number draws other prompts and other noise. Default 0. */
  round?: number;
}

/** What was kept of a batch, and why so little. */
export interface Selection {
  readonly batch: Batch;
  readonly kept: readonly ScoredRollout[];
  /** Share of the prompts with at least one right rollout. */
  readonly coverage: number;
  /** Right rollouts that were the same as one kept before. */
  readonly duplicates: number;
  /** Right rollouts beyond `maxPerPrompt`. */
  readonly surplus: number;
}

/**
 * Collects rollouts and keeps the right ones.
 *
 * @throws InfrastructureError when more rollouts were lost than `maxInfrastructureRate` allows.
 * @example
 * const { kept } = await rejectionSampling({ lab, policy, interpreter: python, taskset, promptsPerStep: 64 });
 * await new SftTrainer({ lab, policy, data: kept }).train({ epochs: 2 }).done();
 */
export async function rejectionSampling(options: RejectionSamplingOptions): Promise<Selection> {
  const { lab, policy, interpreter, taskset, reward, round = 0, ...settings } = options;
  const config = parseInput(schema, settings, "rejection sampling settings");
  return sampleAndSelect({ lab, policy, interpreter, taskset, reward }, config, round);
}

/** The same with settings that were checked. */
export async function sampleAndSelect(
  { lab, policy, interpreter, taskset, reward = rewards.boxedAnswer() }: RejectionParts,
  { maxPerPrompt, maxLength = policy.config.maxLength, ...collection }: RejectionConfig,
  step: number,
): Promise<Selection> {
  const training = { ...collection, maxLength, miniBatches: 1, advantageEstimator: "reinforce" };
  const config = configAt(checkedConfig(training, policy.config.maxLength), 0);
  const unscored = await collectBatch({ lab, policy, interpreter, taskset, config, step, greedy: false });
  const { scored, lost } = await scoreRollouts(reward, unscored.rollouts, step);
  const dropped = unscored.dropped + lost.length;
  if (lost.length && dropped / (dropped + scored.length) > config.maxInfrastructureRate)
    throw new InfrastructureError(
      `${lost.length} of ${unscored.rollouts.length} rollouts could not be judged: ${lost[0]!.message}`,
      "Nothing was kept. Mend what judges them and collect again.",
      lost[0],
    );
  return selectCorrect({ ...unscored, rollouts: scored, greedy: undefined, dropped }, maxPerPrompt);
}

/** The right rollouts of a batch: different ones, at most so many of a prompt. */
export function selectCorrect(batch: Batch, maxPerPrompt: number): Selection {
  const seen = new Set<string>();
  const perPrompt = new Map<number, number>();
  const kept: ScoredRollout[] = [];
  let [duplicates, surplus] = [0, 0];
  for (const rollout of batch.rollouts.filter(({ reward }) => reward.correct)) {
    const key = String(rollout.trajectory.ids);
    const before = perPrompt.get(rollout.group) ?? 0;
    if (seen.has(key)) duplicates++;
    else if (before === maxPerPrompt) surplus++;
    else {
      seen.add(key);
      perPrompt.set(rollout.group, before + 1);
      kept.push(rollout);
    }
  }
  const prompts = new Set(batch.rollouts.map(({ group }) => group)).size;
  const solved = new Set(batch.rollouts.flatMap(({ group, reward }) => (reward.correct ? [group] : []))).size;
  return { batch, kept, coverage: prompts ? solved / prompts : 0, duplicates, surplus };
}

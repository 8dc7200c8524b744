import { InvalidInputError, InvariantError } from "../base/errors.ts";
import type { Policy } from "../policy/policy.ts";
import { meanReferenceKl } from "./advantage-input.ts";
import {
  type Advantages,
  type Batch,
  correctedLogprobs,
  isMasked,
  offPolicyCount,
  type ScoredRollout,
  toRows,
} from "./batch.ts";
import type { StepConfig } from "./config.ts";
import { ImportanceTotals } from "./objectives/importance.ts";
import { lengthBucket, type PolicyOptimizer } from "./optimizer.ts";
import { importanceLevelOf, stepObjective } from "./step-objective.ts";
import type { UpdateReport } from "./types.ts";

/** The ratio must be 1 within this before the first update of a step. */
const ratioTolerance = 1e-4;

export interface UpdateInput {
  readonly policy: Policy;
  readonly optimizer: PolicyOptimizer;
  /** The configuration of the batch's step. */
  readonly config: StepConfig;
  readonly batch: Batch;
  readonly advantages: Advantages;
  /** Draws for losses that choose tokens at random. */
  readonly random: () => number;
  /** A mini-batch whose gradient norm reaches it changes nothing; 0: none changes anything. Default: no limit. */
  readonly gradNormLimit?: number;
}

/** The KL stop leaves room for noise: it takes hold at this many times its target, as in Spinning Up's PPO. */
const klStopFactor = 1.5;

type Totals = Record<"loss" | "entropy" | "kl" | "clipFraction" | "tokens" | "gradNorm" | "skipped", number> & {
  refKl?: number;
};

/**
 * Takes one optimizer step per mini-batch and raises the policy's version.
 *
 * @throws InvalidInputError for advantages that do not fit the batch or are not finite, and for rollouts that were scored
 * without what truncated importance sampling needs; nothing is changed then.
 */
export async function updatePolicy(input: UpdateInput): Promise<UpdateReport> {
  const { policy, optimizer, config, batch, advantages, random, gradNormLimit } = input;
  const { learningRate } = config;
  const objective = stepObjective(config);
  const rowsPerMiniBatch = (config.promptsPerStep / config.miniBatches) * config.numGenerations;
  if (advantages.perRollout.length !== batch.rollouts.length)
    throw new InvalidInputError(
      `The batch has ${batch.rollouts.length} rollouts but there are ${advantages.perRollout.length} advantages.`,
    );
  checkFinite(batch, advantages);
  if (config.importanceCap) batch.rollouts.forEach(correctedLogprobs);
  // An expert's tokens have other ratios than 1, whoever is right.
  const onPolicy = batch.policyVersion === policy.version && !batch.rollouts.some((one) => offPolicyCount(one, config));
  const total: Totals = { loss: 0, entropy: 0, kl: 0, clipFraction: 0, tokens: 0, gradNorm: 0, skipped: 0 };
  let ratioDeviation = 0;
  let ratioMax = 0;
  const importance = new ImportanceTotals(config.importanceCap);
  const parts = miniBatches(batch, config.miniBatches);
  let klStopped = 0;
  let isFirst = true;
  for (const [index, part] of parts.entries()) {
    const rollouts = part.map((i) => batch.rollouts[i]!);
    const rows = toRows(
      rollouts,
      part.map((i) => advantages.perToken?.[i] ?? advantages.perRollout[i]!),
      {
        rows: Math.max(part.length, rowsPerMiniBatch),
        length: lengthBucket(Math.max(...rollouts.map(({ trajectory }) => trajectory.length)), policy.config.maxLength),
        maskToolTokens: config.maskToolTokens,
        agentTokens: config.agentTokens,
        padId: policy.tokenizer.padId,
        importanceLevel: importanceLevelOf(config),
      },
    );
    const tokens = rows.mask.reduce((sum, value) => sum + value, 0);
    const ownOf = (one: ScoredRollout) => one.trajectory.sampledCount + offPolicyCount(one, config);
    const own = rollouts.reduce((sum, one) => sum + (isMasked(one) ? 0 : ownOf(one)), 0);
    if (config.maskToolTokens && tokens !== own)
      throw new InvariantError(`Step ${batch.step}: the loss mask has ${tokens} tokens, but ${own} were sampled.`);
    // An update on nothing would still decay the weights and follow old momentum.
    if (!tokens) {
      total.skipped++;
      continue;
    }
    const metrics = await optimizer.step(rows, {
      objective,
      inputs: objective.inputs(rows, {
        random,
        maxRatioDeviation: isFirst && onPolicy ? ratioTolerance : undefined,
      }),
      learningRate,
      weightDecay: config.weightDecay,
      maxGradNorm: config.maxGradNorm,
      gradNormLimit,
      temperature: config.temperature,
    });
    if (isFirst) ratioDeviation = metrics.ratioDeviation!;
    if (isFirst && onPolicy && !(ratioDeviation < ratioTolerance))
      throw new InvariantError(
        `Step ${batch.step}: before the first update a token's ratio is off 1 by ${ratioDeviation.toExponential(1)}: ` +
          "the sampler and the trainer disagree about the same weights.",
      );
    isFirst = false;
    for (const key of ["loss", "entropy", "kl", "clipFraction"] as const) total[key] += metrics[key]! * tokens;
    if (metrics.refKl !== undefined) total.refKl = (total.refKl ?? 0) + metrics.refKl * tokens;
    ratioMax = Math.max(ratioMax, metrics.ratioMax!);
    importance.add(rows.importance, rows.mask);
    total.tokens += tokens;
    total.gradNorm = Math.max(total.gradNorm, metrics.gradNorm!);
    total.skipped += metrics.skipped!;
    if (config.klStop && metrics.kl! > klStopFactor * config.klStop) {
      klStopped = parts.length - 1 - index;
      break;
    }
  }
  policy.version++;
  const mean = (value: number) => value / Math.max(1, total.tokens);
  const refKl = total.refKl === undefined ? meanReferenceKl(batch.rollouts, config) : mean(total.refKl);
  return {
    loss: mean(total.loss),
    gradNorm: total.gradNorm,
    entropy: mean(total.entropy),
    kl: mean(total.kl),
    clipFraction: mean(total.clipFraction),
    ratioDeviation,
    ratioMax,
    ...(refKl !== undefined && { refKl }),
    ...(config.importanceCap && importance.metrics()),
    learningRate,
    tokens: total.tokens,
    skipped: total.skipped,
    ...(config.klStop && { klStopped }),
  };
}

function checkFinite(batch: Batch, { perRollout, perToken }: Advantages): void {
  const isBad = (values: ArrayLike<number>) => Array.from(values).some((value) => !Number.isFinite(value));
  const bad = batch.rollouts.findIndex((_, i) => !Number.isFinite(perRollout[i]) || (perToken && isBad(perToken[i]!)));
  if (bad < 0) return;
  const { group, sample } = batch.rollouts[bad]!;
  throw new InvalidInputError(
    `Step ${batch.step}: the advantage of rollout ${group}/${sample} is not a finite number (${perRollout[bad]}).`,
    "Nothing was trained. Look at its group's rewards and the estimator.",
  );
}

/** Indices of the rollouts of each mini-batch: prompts in order, whole groups together. */
export function miniBatches(batch: Batch, count: number): number[][] {
  const groups = [...new Set(batch.rollouts.map(({ group }) => group))].sort((a, b) => a - b);
  const size = Math.ceil(groups.length / count);
  return Array.from({ length: Math.ceil(groups.length / size) }, (_, part) => {
    const members = new Set(groups.slice(part * size, (part + 1) * size));
    return batch.rollouts.flatMap(({ group }, i) => (members.has(group) ? [i] : []));
  });
}

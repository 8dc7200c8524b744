import { InvalidInputError } from "../../base/errors.ts";
import { estimatorOf } from "../advantages/index.ts";
import { type Advantages, type Batch, isMasked, type ScoredRollout, toRows } from "../batch.ts";
import type { StepConfig, TrainerConfig } from "../config.ts";
import { lengthBucket } from "../optimizer.ts";
import type { CriticReport, UpdateReport } from "../types.ts";
import { miniBatches, type UpdateInput, updatePolicy } from "../update.ts";
import type { Critic, ValueRows } from "./critic.ts";

/** Whether a configuration needs a critic: its estimator works with values. */
export const needsCritic = ({ advantageEstimator }: Pick<TrainerConfig, "advantageEstimator">): boolean =>
  estimatorOf(advantageEstimator).needs?.includes("values") ?? false;

/**
 * Updates a policy and then, where the estimator works with values and left returns to learn, the critic, on the same
 * mini-batches. In the first `criticWarmup` steps (verl's `critic_warmup`, VAPO's value pretraining) the policy's part is
 * run for its figures only and changes nothing. A limit on the gradient norm is the policy's own; one of 0 refuses both.
 *
 * @throws InvalidInputError for returns that are not finite or values that are missing; nothing is changed then.
 */
export async function updateActorCritic(input: UpdateInput, getCritic: () => Promise<Critic>): Promise<UpdateReport> {
  const { batch, config, advantages, gradNormLimit } = input;
  if (!needsCritic(config) || !advantages.returns) return updatePolicy(input);
  checkReturns(batch, advantages);
  const critic = await getCritic();
  const isWarmup = batch.step < config.criticWarmup;
  const report = await updatePolicy(isWarmup ? { ...input, gradNormLimit: 0 } : input);
  const learned = await updateCritic(critic, input, gradNormLimit === 0 ? 0 : undefined);
  return { ...report, ...(isWarmup && { learningRate: 0, skipped: 0 }), ...learned };
}

async function updateCritic(critic: Critic, input: UpdateInput, gradNormLimit: number | undefined) {
  const { batch, config, advantages, policy } = input;
  const { criticLearningRate: learningRate, weightDecay, maxGradNorm, valueClip } = config;
  const seen = { values: [] as number[], returns: [] as number[] };
  const total = { loss: 0, clipped: 0, tokens: 0, gradNorm: 0, skipped: 0 };
  for (const part of miniBatches(batch, config.miniBatches)) {
    const rows = valueRows(
      part.map((i) => batch.rollouts[i]!),
      part.map((i) => advantages.returns![i]!),
      config,
      policy,
    );
    const places = Array.from(rows.mask.keys()).filter((i) => rows.mask[i]);
    if (!places.length) {
      total.skipped++;
      continue;
    }
    for (const i of places) {
      seen.values.push(rows.oldValues[i]!);
      seen.returns.push(rows.returns[i]!);
    }
    const metrics = await critic.step(rows, { valueClip, learningRate, weightDecay, maxGradNorm, gradNormLimit });
    total.loss += metrics.loss! * places.length;
    total.clipped += metrics.clipFraction! * places.length;
    total.tokens += places.length;
    total.gradNorm = Math.max(total.gradNorm, metrics.gradNorm!);
    total.skipped += metrics.skipped!;
  }
  const tokens = Math.max(1, total.tokens);
  return {
    valueLoss: total.loss / tokens,
    explainedVariance: explainedVariance(seen.values, seen.returns),
    valueMean: seen.values.reduce((sum, value) => sum + value, 0) / tokens,
    valueClipFraction: total.clipped / tokens,
    criticGradNorm: total.gradNorm,
    criticSkipped: total.skipped,
  } satisfies CriticReport;
}

/** Rollouts as rows for the critic: those of the policy's update, with returns in place of advantages. */
function valueRows(
  rollouts: readonly ScoredRollout[],
  returns: readonly ArrayLike<number>[],
  config: StepConfig,
  policy: UpdateInput["policy"],
): ValueRows {
  const longest = Math.max(...rollouts.map(({ trajectory }) => trajectory.length));
  const length = lengthBucket(longest, policy.config.maxLength);
  const laid = toRows(rollouts, returns, {
    rows: Math.max(rollouts.length, (config.promptsPerStep / config.miniBatches) * config.numGenerations),
    length,
    maskToolTokens: config.maskToolTokens,
    agentTokens: config.agentTokens,
    padId: policy.tokenizer.padId,
  });
  const oldValues = new Float32Array(laid.mask.length);
  rollouts.forEach(({ values }, row) => {
    for (let i = row * length; i < (row + 1) * length; i++)
      if (laid.mask[i]) oldValues[i] = values![i - row * length + 1]!;
  });
  return { ...laid, returns: laid.advantages, oldValues };
}

/** 1 - Var(G - V) / Var(G); 0 where the returns do not vary, so that there is nothing to explain. */
export function explainedVariance(values: readonly number[], returns: readonly number[]): number {
  const total = variance(returns);
  return total ? 1 - variance(returns.map((value, i) => value - values[i]!)) / total : 0;
}

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

function checkReturns(batch: Batch, { returns }: Advantages): void {
  batch.rollouts.forEach((rollout, i) => {
    if (isMasked(rollout)) return;
    const name = `rollout ${rollout.group}/${rollout.sample}`;
    if (!rollout.values)
      throw new InvalidInputError(
        `Step ${batch.step}: ${name} has no values, so the critic cannot learn from it.`,
        "Nothing was trained. Score the batch with trainer.score(batch): it asks the critic.",
      );
    const bad = Array.from(returns![i]!).find((value) => !Number.isFinite(value));
    if (bad !== undefined)
      throw new InvalidInputError(
        `Step ${batch.step}: a return of ${name} is not a finite number (${bad}).`,
        "Nothing was trained. Look at its reward and the critic's values.",
      );
  });
}

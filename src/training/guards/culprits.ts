import { type Advantages, type Batch, isMasked, isTrained, type ScoredRollout } from "../batch.ts";
import { hasForgedOutput, isRepetitive, isTruncated, responseLength, zeroVarianceGroups } from "../rollout-traits.ts";
import type { RolloutPlace } from "./types.ts";

const most = 8;

/** How much a rollout contributed to a metric's being high; 0: not at all. */
type Weight = (rollout: ScoredRollout, index: number) => number;

const failedCalls = ({ trajectory }: ScoredRollout) =>
  trajectory.toolCalls.filter(({ result }) => result.status !== "ok").length;

/** How unlikely the sampled tokens were, summed: the size of their gradients with respect to the logits grows with it. */
const surprise = ({ trajectory }: ScoredRollout): number =>
  trajectory.logprobs.reduce<number>(
    (sum, logprob, i) => sum + (trajectory.sources[i] === "sampled" ? 1 - Math.exp(logprob ?? 0) : 0),
    0,
  );

/** A sampled token has a log-prob that is no finite number: whatever is wrong with the step comes from there. */
const isBroken = ({ trajectory }: ScoredRollout): boolean =>
  trajectory.logprobs.some(
    (logprob, i) => trajectory.sources[i] === "sampled" && logprob !== null && !Number.isFinite(logprob),
  );

function meanEntropy({ trajectory }: ScoredRollout): number {
  const own = trajectory.entropies.filter((_, i) => trajectory.sources[i] === "sampled");
  return own.reduce<number>((sum, value) => sum + (value ?? 0), 0) / Math.max(1, own.length);
}

/** The least likely sampled token, as its negative log-prob. */
const leastLikely = ({ trajectory }: ScoredRollout): number =>
  trajectory.logprobs.reduce<number>(
    (least, logprob, i) => (trajectory.sources[i] === "sampled" ? Math.max(least, -(logprob ?? 0)) : least),
    0,
  );

const lossTokens = [true, false].flatMap((maskToolTokens) =>
  (["mask", "offPolicy"] as const).map((agentTokens) => ({ maskToolTokens, agentTokens })),
);

/** How far the critic was off, summed over trained tokens as squares; most where that is not even a number. */
function missed(rollout: ScoredRollout, returns: ArrayLike<number> | undefined): number {
  const { trajectory, values } = rollout;
  if (!values || !returns || isMasked(rollout)) return 0;
  // Which tokens were trained on shows in their number.
  const before = lossTokens
    .map((choice) => values.filter((_, token) => isTrained(trajectory, token, choice)))
    .find(({ length }) => length === returns.length)!;
  const sum = Array.from(returns).reduce((total, value, t) => total + (value - before[t]!) ** 2, 0);
  return Number.isFinite(sum) ? sum : Number.MAX_VALUE;
}

/** How much likelier one of its tokens is for the trainer than it was for its sampler, at the most. */
const furthestOff = ({ trajectory, oldLogprobs }: ScoredRollout): number =>
  trajectory.logprobs.reduce<number>(
    (most, logprob, i) =>
      trajectory.sources[i] === "sampled" ? Math.max(most, (oldLogprobs?.[i] ?? 0) - (logprob ?? 0)) : most,
    0,
  );

function weightFor(metric: string, batch: Batch, advantages: Advantages | undefined): Weight | undefined {
  const flag =
    (test: (rollout: ScoredRollout) => boolean): Weight =>
    (rollout) =>
      test(rollout) ? 1 : 0;
  const filter = /^(?:filtered|penalised)\.(.+)$/.exec(metric)?.[1];
  if (filter) return flag(({ marks }) => marks?.some((mark) => mark.filter === filter) ?? false);
  switch (metric) {
    case "reward":
      return ({ reward }) => reward.reward;
    case "accuracy":
      return flag(({ reward }) => reward.correct);
    case "codeShare":
      return flag(({ trajectory }) => trajectory.toolCalls.length > 0);
    case "toolCalls":
      return ({ trajectory }) => trajectory.toolCalls.length;
    case "toolErrors":
      return failedCalls;
    case "passRate":
      return (rollout) => -failedCalls(rollout);
    case "forgedOutput":
      return flag(hasForgedOutput);
    case "responseLength":
      return responseLength;
    case "truncated":
      return flag(isTruncated);
    case "repetition":
      return flag(isRepetitive);
    case "forcedBoundaries":
      return ({ trajectory }) => trajectory.forcedBoundaries;
    case "zeroVariance": {
      const same = zeroVarianceGroups(batch.rollouts);
      return flag(({ group }) => same.has(group));
    }
    case "entropy":
      return meanEntropy;
    case "ratioMax":
    case "ratioDeviation":
      return leastLikely;
    case "importanceMean":
    case "importanceMax":
    case "importanceTruncated":
      return furthestOff;
    case "gradNorm":
    case "loss":
    case "kl":
    case "refKl":
    case "clipFraction":
    case "skipped":
      return (rollout, i) => (isMasked(rollout) ? 0 : Math.abs(advantages?.perRollout[i] ?? 1) * surprise(rollout));
    case "valueLoss":
    case "criticGradNorm":
    case "criticSkipped":
    case "valueClipFraction":
    case "explainedVariance":
      return (rollout, i) => missed(rollout, advantages?.returns?.[i]) * (metric === "explainedVariance" ? -1 : 1);
    default:
      return undefined;
  }
}

/**
 * The rollouts that contributed most to a metric's being too high, or too low: at most eight. For figures of the gradient
 * the order is an estimate, size of the advantage times how unlikely the tokens were; `trainer.influence` has the exact one.
 * Among equals (every reward is -1) each prompt comes with its strangest rollout before any comes with a second.
 */
export function culprits(
  metric: string,
  isHigh: boolean,
  batch: Batch,
  advantages: Advantages | undefined,
): RolloutPlace[] {
  const weight = weightFor(metric, batch, advantages);
  if (!weight) return [];
  const weighed = batch.rollouts
    .map((rollout, i) =>
      isBroken(rollout)
        ? { rollout, weight: Number.POSITIVE_INFINITY, strangeness: 0 }
        : {
            rollout,
            weight: weight(rollout, i) * (isHigh ? 1 : -1),
            strangeness: surprise(rollout) / Math.max(1, rollout.trajectory.sampledCount),
          },
    )
    .filter((one) => one.weight !== 0 || !isHigh)
    .sort((a, b) => b.weight - a.weight || b.strangeness - a.strangeness);
  const equals = new Map<string, number>();
  const ranked = weighed.map((one) => {
    const key = `${one.weight} ${one.rollout.group}`;
    const rank = equals.get(key) ?? 0;
    equals.set(key, rank + 1);
    return { ...one, rank };
  });
  ranked.sort((a, b) => b.weight - a.weight || a.rank - b.rank || b.strangeness - a.strangeness);
  return ranked.slice(0, most).map(({ rollout: { group, sample } }) => ({ group, sample }));
}

import type { RewardResult } from "../reward/index.ts";
import type { Task } from "../rollout/tasks/index.ts";
import type { Trajectory } from "../rollout/trajectory.ts";
import type { AdvantageResult } from "./advantages/types.ts";

/** One rollout of a batch, before it is scored. */
export interface UnscoredRollout {
  readonly task: Task;
  /** Which prompt of the batch; siblings share it. */
  readonly group: number;
  /** Which sample of the prompt. */
  readonly sample: number;
  readonly trajectory: Trajectory;
  /** Log-prob of each token under the reference policy, where one is kept; 0 for the first token. */
  readonly refLogprobs?: Float32Array;
}

/** What a filter did to a rollout, and why. */
export interface FilterMark {
  /** The filter's name. */
  readonly filter: string;
  readonly reason: string;
  /** Its tokens are out of the loss. */
  readonly masked: boolean;
  /** It still enters the advantage statistics. */
  readonly inStatistics: boolean;
  /** What is added to its reward. */
  readonly penalty?: number;
}

/** One scored rollout of a batch. */
export interface ScoredRollout extends UnscoredRollout {
  readonly reward: RewardResult;
  /** What filters did to it; absent where none did anything. */
  readonly marks?: readonly FilterMark[];
}

/** The reward that is trained on: what the rollout earned, and what filters took off. */
export const shapedReward = ({ reward, marks = [] }: Pick<ScoredRollout, "reward" | "marks">): number =>
  marks.reduce((sum, { penalty = 0 }) => sum + penalty, reward.reward);

/** Whether a filter took the rollout's tokens out of the loss. */
export const isMasked = ({ marks }: ScoredRollout): boolean => marks?.some(({ masked }) => masked) ?? false;

/** What one step trains on. */
export interface Batch {
  /** 0-based training step that collected it. */
  readonly step: number;
  /** Version of the policy that sampled it. */
  readonly policyVersion: number;
  /** The tool budget in force. */
  readonly maxToolCalls: number;
  readonly rollouts: readonly ScoredRollout[];
  /** One greedy rollout per prompt, for estimators that compare with it. */
  readonly greedy?: readonly ScoredRollout[];
  /** Rollouts dropped because infrastructure failed. */
  readonly dropped: number;
  /** What dynamic sampling did; absent without it. */
  readonly refill?: {
    /** Rounds of further prompts. */
    readonly rounds: number;
    /** Prompts that were collected and are not in the batch. */
    readonly discardedPrompts: number;
    /** Share of correct answers among all that was collected: the batch's own is selected for being neither 0 nor 1. */
    readonly collectedAccuracy: number;
  };
}

/** Advantages of a batch. */
export interface Advantages extends AdvantageResult {
  /** The estimator's name, or its choices as JSON. */
  readonly estimator: string;
}

/** Rollouts as the rows of a training program, right-padded to one length. N = rows * length. */
export interface TrainingRows {
  readonly rows: number;
  readonly length: number;
  /** [N] token ids. */
  readonly ids: Int32Array;
  /** [N] the next token of each position. */
  readonly targets: Int32Array;
  /** [N] 1 where the next token is trained on. */
  readonly mask: Float32Array;
  /** [N] its advantage. */
  readonly advantages: Float32Array;
  /** [N] its log-prob when it was sampled. */
  readonly oldLogprobs: Float32Array;
  /** [N] its log-prob under the reference policy; 0 without one. */
  readonly refLogprobs: Float32Array;
}

/** Whether a token is trained on. The first token of a sequence has no log-prob: nothing predicts it. */
export function isTrained(trajectory: Trajectory, token: number, maskToolTokens: boolean): boolean {
  const source = trajectory.sources[token];
  return (source === "sampled" || (source === "tool" && !maskToolTokens)) && trajectory.logprobs[token] != null;
}

/**
 * Lays rollouts out as rows. Position i of a row predicts token i + 1, so that token's mask, advantage and old log-prob
 * stand at i.
 *
 * @param advantages of each rollout: one number, or one for each trained token.
 */
export function toRows(
  rollouts: readonly ScoredRollout[],
  advantages: readonly (number | ArrayLike<number>)[],
  { rows, length, maskToolTokens, padId }: { rows: number; length: number; maskToolTokens: boolean; padId: number },
): TrainingRows {
  const size = rows * length;
  const ids = new Int32Array(size).fill(padId);
  const targets = new Int32Array(size).fill(padId);
  const mask = new Float32Array(size);
  const perToken = new Float32Array(size);
  const oldLogprobs = new Float32Array(size);
  const refLogprobs = new Float32Array(size);
  rollouts.forEach((rollout, row) => {
    const { trajectory, refLogprobs: reference } = rollout;
    const masked = isMasked(rollout);
    const base = row * length;
    const advantage = advantages[row]!;
    let trained = 0;
    for (let i = 0; i < trajectory.length; i++) {
      ids[base + i] = trajectory.ids[i]!;
      if (i === 0) continue;
      targets[base + i - 1] = trajectory.ids[i]!;
      if (masked || !isTrained(trajectory, i, maskToolTokens)) continue;
      mask[base + i - 1] = 1;
      perToken[base + i - 1] = typeof advantage === "number" ? advantage : advantage[trained]!;
      oldLogprobs[base + i - 1] = trajectory.logprobs[i]!;
      if (reference) refLogprobs[base + i - 1] = reference[i]!;
      trained++;
    }
  });
  return { rows, length, ids, targets, mask, advantages: perToken, oldLogprobs, refLogprobs };
}

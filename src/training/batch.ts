import type { RewardResult } from "../reward/index.ts";
import type { Task } from "../rollout/tasks/index.ts";
import type { Trajectory } from "../rollout/trajectory.ts";

/** One scored rollout of a batch. */
export interface ScoredRollout {
  readonly task: Task;
  /** Which prompt of the batch; siblings share it. */
  readonly group: number;
  /** Which sample of the prompt. */
  readonly sample: number;
  readonly trajectory: Trajectory;
  readonly reward: RewardResult;
}

/** What one step trains on. */
export interface Batch {
  /** 0-based training step that collected it. */
  readonly step: number;
  /** Version of the policy that sampled it. */
  readonly policyVersion: number;
  /** The tool budget in force. */
  readonly maxToolCalls: number;
  readonly rollouts: readonly ScoredRollout[];
  /** Rollouts dropped because infrastructure failed. */
  readonly dropped: number;
}

/** Advantages of a batch: one per rollout, shared by its tokens. */
export interface Advantages {
  readonly estimator: string;
  readonly perRollout: Float64Array;
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
}

/**
 * Lays rollouts out as rows. Position i of a row predicts token i + 1, so that token's mask, advantage and old log-prob
 * stand at i.
 */
export function toRows(
  rollouts: readonly ScoredRollout[],
  advantages: ArrayLike<number>,
  { rows, length, maskToolTokens, padId }: { rows: number; length: number; maskToolTokens: boolean; padId: number },
): TrainingRows {
  const size = rows * length;
  const ids = new Int32Array(size).fill(padId);
  const targets = new Int32Array(size).fill(padId);
  const mask = new Float32Array(size);
  const perToken = new Float32Array(size);
  const oldLogprobs = new Float32Array(size);
  rollouts.forEach(({ trajectory }, row) => {
    const base = row * length;
    for (let i = 0; i < trajectory.length; i++) {
      ids[base + i] = trajectory.ids[i]!;
      if (i === 0) continue;
      targets[base + i - 1] = trajectory.ids[i]!;
      const source = trajectory.sources[i]!;
      const trained = source === "sampled" || (source === "tool" && !maskToolTokens);
      const logprob = trajectory.logprobs[i];
      if (!trained || logprob == null) continue;
      mask[base + i - 1] = 1;
      perToken[base + i - 1] = advantages[row]!;
      oldLogprobs[base + i - 1] = logprob;
    }
  });
  return { rows, length, ids, targets, mask, advantages: perToken, oldLogprobs };
}

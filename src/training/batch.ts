import { InvalidInputError } from "../base/errors.ts";
import type { RewardResult } from "../reward/index.ts";
import type { Task } from "../rollout/tasks/index.ts";
import type { Trajectory } from "../rollout/trajectory.ts";
import { isAgentSource } from "../rollout/trajectory-types.ts";
import type { AdvantageResult } from "./advantages/types.ts";
import { correctedLogprob, type ImportanceLevel, importanceRatios } from "./objectives/importance.ts";

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
  /** Log-prob of each token under the policy as it was when the batch was scored, with truncated importance sampling. */
  readonly oldLogprobs?: Float32Array;
  /** The critic's value before each token, where there is a critic; 0 for the first token. */
  readonly values?: Float32Array;
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
  /** [N] its log-prob when it was sampled; with truncated importance sampling the trainer's own at the step's start. */
  readonly oldLogprobs: Float32Array;
  /** [N] its log-prob under the reference policy; 0 without one. */
  readonly refLogprobs: Float32Array;
  /** [N] how much likelier it was for the trainer than for its sampler; 1 without truncated importance sampling. */
  readonly importance: Float32Array;
}

/** Which tokens beside the sampled ones are trained on. */
export interface LossTokens {
  readonly maskToolTokens: boolean;
  /** Default `"mask"`. */
  readonly agentTokens?: "mask" | "offPolicy" | undefined;
}

/** How rollouts become rows. */
export interface RowLayout extends LossTokens {
  readonly rows: number;
  readonly length: number;
  readonly padId: number;
  /** Corrects for rollouts of another policy, where it is on. */
  readonly importanceLevel?: ImportanceLevel | undefined;
}

/**
 * Whether a token is trained on. The first token of a sequence has no log-prob: nothing predicts it. An output that a person
 * wrote in a tool's place is no tool's.
 */
export function isTrained(trajectory: Trajectory, token: number, { maskToolTokens, agentTokens }: LossTokens): boolean {
  const source = trajectory.sources[token];
  const isIn =
    source === "sampled" ||
    (source === "tool" && !maskToolTokens && !isEditedOutput(trajectory, token)) ||
    (agentTokens === "offPolicy" && isAgentSource(source));
  return isIn && trajectory.logprobs[token] != null;
}

const isEditedOutput = ({ toolCalls }: Trajectory, token: number): boolean =>
  toolCalls.some(({ edited, start, end }) => edited && start <= token && token < end);

/** How many tokens of an expert are trained on; 0 unless `agentTokens` is `offPolicy`. */
export function offPolicyCount({ trajectory }: Pick<UnscoredRollout, "trajectory">, tokens: LossTokens): number {
  if (tokens.agentTokens !== "offPolicy") return 0;
  return trajectory.sources.filter((source, i) => isAgentSource(source) && isTrained(trajectory, i, tokens)).length;
}

/**
 * Lays rollouts out as rows. Position i of a row predicts token i + 1, so that token's mask, advantage and old log-prob
 * stand at i. What is longer than a row is cut: only a tool's last output can be, which nothing was sampled after.
 *
 * @param advantages of each rollout: one number, or one for each trained token.
 */
export function toRows(
  rollouts: readonly ScoredRollout[],
  advantages: readonly (number | ArrayLike<number>)[],
  layout: RowLayout,
): TrainingRows {
  const { rows, length, padId, importanceLevel } = layout;
  const size = rows * length;
  const ids = new Int32Array(size).fill(padId);
  const targets = new Int32Array(size).fill(padId);
  const mask = new Float32Array(size);
  const perToken = new Float32Array(size);
  const oldLogprobs = new Float32Array(size);
  const refLogprobs = new Float32Array(size);
  const importance = new Float32Array(size).fill(1);
  rollouts.forEach((rollout, row) => {
    const { trajectory, refLogprobs: reference } = rollout;
    const masked = isMasked(rollout);
    const base = row * length;
    const advantage = advantages[row]!;
    const old = importanceLevel ? correctedLogprobs(rollout) : trajectory.logprobs;
    const places: number[] = [];
    // The output that ended a rollout may reach beyond the row, and must not into the next one.
    const end = Math.min(trajectory.length, length + 1);
    for (let i = 0; i < end; i++) {
      if (i < length) ids[base + i] = trajectory.ids[i]!;
      if (i === 0) continue;
      targets[base + i - 1] = trajectory.ids[i]!;
      if (masked || !isTrained(trajectory, i, layout)) continue;
      mask[base + i - 1] = 1;
      perToken[base + i - 1] = typeof advantage === "number" ? advantage : advantage[places.length]!;
      oldLogprobs[base + i - 1] = old[i]!;
      if (reference) refLogprobs[base + i - 1] = reference[i]!;
      places.push(i);
    }
    if (!importanceLevel) return;
    const logRatios = places.map((i) => old[i]! - trajectory.logprobs[i]!);
    importanceRatios(logRatios, importanceLevel).forEach((ratio, k) => {
      importance[base + places[k]! - 1] = ratio;
    });
  });
  return { rows, length, ids, targets, mask, advantages: perToken, oldLogprobs, refLogprobs, importance };
}

/**
 * The trainer's own log-probs of a rollout's tokens; those of the sampling where the two agree.
 *
 * @throws InvalidInputError for a rollout that was scored without them.
 */
export function correctedLogprobs({ group, sample, trajectory, oldLogprobs }: ScoredRollout): (number | null)[] {
  if (!oldLogprobs)
    throw new InvalidInputError(
      `Rollout ${group}/${sample} has no log-probs of the trainer's own, but importanceCap is above 0.`,
      "Score its batch again with trainer.score(batch).",
    );
  return trajectory.logprobs.map((behaviour, i) =>
    behaviour === null ? null : correctedLogprob(oldLogprobs[i]!, behaviour),
  );
}

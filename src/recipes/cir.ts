/**
 * CIR: "Towards Effective Code-Integrated Reasoning" (arXiv:2505.24480).
 *
 * Reinforcement learning that teaches a policy to write Python inside its reasoning, read its output and go on:
 *
 * - precise boundary matching: a turn ends at the first closing fence after "```python" (rollout/boundary.ts);
 * - external-feedback masking: tool outputs are context, never trained on;
 * - a tool budget that grows with the steps;
 * - reward +1 or -1 on the last \boxed answer, nothing for format or for code that runs;
 * - advantage: REINFORCE++-baseline, whitened over all response tokens;
 * - objective: token-mean PPO clip with clip-higher (0.2 / 0.28) and dual clip 3; no KL, no entropy bonus, no reference;
 * - two optimizer steps per collection.
 *
 * Where we differ from the paper at this scale, `trainer.diff("arXiv:2505.24480")` says so, setting by setting.
 */

import type { TrainerSettings } from "../training/config.ts";
import type { PaperSettings } from "../training/diff.ts";
import { guards } from "../training/guards/index.ts";

/** The paper's values, as its released configuration has them, and why ours differ. */
const paper: PaperSettings = {
  id: "arXiv:2505.24480",
  title: "Towards Effective Code-Integrated Reasoning",
  settings: {
    promptsPerStep: { value: 128, why: "fewer rollouts per step fit two CPU cores" },
    numGenerations: { value: 16, why: "fewer rollouts per step fit two CPU cores" },
    miniBatches: { value: 2 },
    learningRate: {
      value: 1e-6,
      why: "a policy of 0.3 M parameters needs larger steps; decayed against a late wobble",
    },
    warmupSteps: { value: 0, why: "the larger step size starts gently" },
    weightDecay: { value: 0.01 },
    beta1: { value: 0.9 },
    beta2: { value: 0.999, why: "runs of tens of steps" },
    maxGradNorm: { value: 1 },
    clipRatioLow: { value: 0.2 },
    clipRatioHigh: { value: 0.28 },
    clipRatioDual: { value: 3 },
    advantageEstimator: { value: "reinforce++-baseline" },
    advantageTokens: { value: "response" },
    maskToolTokens: { value: true },
    maxToolCalls: {
      value: [
        [0, 2],
        [100, 3],
        [200, 4],
      ],
      why: "the tasks need three calls at the most, and a run has tens of steps",
    },
    maxLength: { value: 5120, why: "tiny policies think in tens of tokens (the paper: prompt 1024, response 4096)" },
    temperature: { value: 1 },
    topP: { value: 1 },
  },
};

export interface CirOptions {
  /** Steps that the learning-rate decay is laid out for. Default 60. */
  steps?: number;
}

/**
 * Settings of the CIR recipe for a tiny policy.
 *
 * @example
 * const trainer = new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset });
 */
export function cir({ steps = 60 }: CirOptions = {}): TrainerSettings & { papers: readonly PaperSettings[] } {
  return {
    promptsPerStep: 32,
    numGenerations: 8,
    miniBatches: 2,
    learningRate: { linear: [7e-4, 7e-5], steps },
    warmupSteps: 3,
    weightDecay: 0.01,
    beta1: 0.9,
    beta2: 0.99,
    adamEpsilon: 1e-8,
    maxGradNorm: 1,
    clipRatioLow: 0.2,
    clipRatioHigh: 0.28,
    clipRatioDual: 3,
    advantageEstimator: "reinforce++-baseline",
    advantageTokens: "response",
    maskToolTokens: true,
    maxToolCalls: 3,
    maxLength: 96,
    temperature: 1,
    topP: 1,
    promptFormat: "code",
    // They only tell; the paper has none.
    guards: guards.default(),
    papers: [paper],
  };
}

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
 * Where settings differ from the paper, `trainer.diff("cir")` says so, setting by setting, with what differs beside the
 * settings and what is not known of the paper.
 */

import type { TrainerSettings } from "../training/config.ts";
import type { PaperSettings } from "../training/diff.ts";
import { guards } from "../training/guards/index.ts";
import { cirPaper } from "./cir-paper.ts";

export interface CirOptions {
  /** Steps that the tiny scale's learning-rate decay is laid out for. Default 60. */
  steps?: number;
  /**
   * `"tiny"`: policies of about a million parameters on a few CPU cores. `"paper"`: the paper's own settings, for which a
   * policy needs 5,120 positions. Default `"tiny"`.
   */
  scale?: "tiny" | "paper";
}

/** Settings for a trainer, and the paper that they are compared with. */
export type Recipe = TrainerSettings & { readonly recipe: string; readonly papers: readonly PaperSettings[] };

/**
 * Settings of the CIR recipe.
 *
 * @example
 * const trainer = new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset });
 * trainer.diff("cir");
 */
export function cir({ steps = 60, scale = "tiny" }: CirOptions = {}): Recipe {
  return { ...(scale === "paper" ? paperScale : tinyScale(steps)), recipe: "cir", papers: [cirPaper] };
}

/** What both scales share: the method. */
const method = {
  miniBatches: 2,
  weightDecay: 0.01,
  beta1: 0.9,
  adamEpsilon: 1e-8,
  maxGradNorm: 1,
  policyLoss: "ppo-clip",
  clipRatioLow: 0.2,
  clipRatioHigh: 0.28,
  clipRatioDual: 3,
  lossAggregation: "token-mean",
  klCoef: 0,
  entropyCoef: 0,
  advantageEstimator: "reinforce++-baseline",
  advantageTokens: "response",
  maskToolTokens: true,
  statefulCode: false,
  temperature: 1,
  topP: 1,
} as const satisfies TrainerSettings;

const paperScale: TrainerSettings = {
  ...method,
  promptsPerStep: 128,
  numGenerations: 16,
  learningRate: 1e-6,
  warmupSteps: 0,
  beta2: 0.999,
  maxToolCalls: [
    [0, 2],
    [100, 3],
    [200, 4],
  ],
  maxLength: 5120,
  promptFormat: "cir",
  checkpointEvery: 10,
};

const tinyScale = (steps: number): TrainerSettings => ({
  ...method,
  promptsPerStep: 32,
  numGenerations: 8,
  learningRate: { linear: [7e-4, 7e-5], steps },
  warmupSteps: 3,
  beta2: 0.99,
  maxToolCalls: 3,
  maxLength: 96,
  promptFormat: "code",
  // They only tell; the paper has none.
  guards: guards.default(),
});

/**
 * What arXiv:2505.24480 says of its own training, from its released configuration and code (RUCAIBox/CIR:
 * scripts/run/run.sh, the trainer it changes and its executor). What could not be found is said to be unknown.
 */

import type { PaperSettings } from "../training/diff.ts";

const twoCores = "fewer rollouts per step fit two CPU cores";

/** The paper's values, and why the recipe's tiny scale has others. */
export const cirPaper: PaperSettings = {
  id: "arXiv:2505.24480",
  recipe: "cir",
  title: "Towards Effective Code-Integrated Reasoning",
  settings: {
    promptsPerStep: { value: 128, why: twoCores },
    numGenerations: { value: 16, why: twoCores },
    miniBatches: { value: 2 },
    learningRate: {
      value: 1e-6,
      why: "a policy of 0.3 M parameters needs larger steps; the recipe lets them fall against a late wobble",
    },
    warmupSteps: { value: 0, why: "the larger step size starts gently" },
    weightDecay: { value: 0.01 },
    beta1: { value: 0.9 },
    beta2: { value: 0.999, why: "runs of tens of steps" },
    maxGradNorm: { value: 1 },
    policyLoss: { value: "ppo-clip" },
    clipRatioLow: { value: 0.2 },
    clipRatioHigh: { value: 0.28 },
    clipRatioDual: { value: 3 },
    lossAggregation: { value: "token-mean" },
    klCoef: { value: 0 },
    entropyCoef: { value: 0 },
    advantageEstimator: { value: "reinforce++-baseline" },
    advantageTokens: { value: "response" },
    maskToolTokens: { value: true },
    statefulCode: { value: false },
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
    promptFormat: { value: "cir", why: "a tiny policy reads a mode token and the question alone" },
  },
  protocol: [
    {
      what: "policy",
      paper: "Qwen2.5-Math-7B, and Qwen3-8B without thinking; no supervised phase",
      ours: "whatever the trainer is given; at tiny scale a decoder of 0.35 M parameters after a cold start",
      why: "Qwen's own checkpoints are not loaded yet (byte-level tokenizer, untied output layer)",
    },
    {
      what: "tasks",
      paper: "a curated part of STILL-3's reinforcement-learning data",
      ours: "whatever the trainer is given; at tiny scale generated arithmetic",
      why: "the paper's training file is not released",
    },
    {
      what: "chat template in training",
      paper: "the tokenizer's own around the prompt; none in the evaluation of Qwen2.5-Math",
      ours: "none",
      why: "as in the paper's evaluation",
    },
    {
      what: "length",
      paper: "4096 new tokens in each segment; the whole response is cut to 4096 afterwards, prompts to 1024",
      ours: "one limit on prompt and response together, while sampling",
      why: "what would be thrown away is not sampled",
    },
    {
      what: "tokens of the response",
      paper: "the text is tokenised again, and the actor computes the old log-probs of that",
      ours: "the sampled tokens and their log-probs themselves",
      why: "what is trained on is what was sampled",
    },
    {
      what: "mask",
      paper: "the first blocks that look like outputs in the text, as many as the budget, forged ones too",
      ours: "exactly the tokens that a tool wrote",
      why: "tokens know their source",
    },
    {
      what: "grading",
      paper: "math_verify on the last box in training; in evaluation also a last line that ends in the right integer",
      ours: "the lab's own equivalence on the last box, in both",
      why: "one grader; the second rule of the paper accepts more",
    },
    {
      what: "executor",
      paper: "CPython, a fresh namespace for each block, 5 s, first and last 200 characters of the output",
      ours: "the same limits and texts on the given interpreter, inside a sandbox",
      why: "error messages do not depend on Python's version",
    },
  ],
  unknown: [
    "size of the training set",
    "budget schedule for Qwen3-8B",
    "AdamW's betas and epsilon and the warm-up (not in the released script; those here are its framework's defaults)",
    "whether and how ablations are tabulated, and their figures",
    "checkpoint and decoding behind the pass@k figure, and its estimator",
    "tokens per answer against long chains of thought",
    "figures for blocks that fail and for problem types",
  ],
};

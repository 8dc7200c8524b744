/** What a metric of training says, and what to do about it. */
export interface MetricEntry {
  /** What it measures, with its formula. */
  readonly meaning: string;
  /** What a healthy run shows. */
  readonly expected: string;
  /** What to do when it leaves that range. */
  readonly advice: string;
}

/** What is said of a filter's share. */
const filtered = (name: string, why: string): Record<string, MetricEntry> => ({
  [`filtered.${name}`]: {
    meaning: `Share of rollouts that the filter ${name} took out of the loss because ${why}.`,
    expected: "Small, and falling.",
    advice: "High: the step learns from few rollouts. Look at their marks: batch.rollouts[i].marks.",
  },
});

/** What is said of a hyperparameter's value, which is a metric of the step where it is not constant. */
const inForce = (name: string, what: string): Record<string, MetricEntry> => ({
  [name]: {
    meaning: `The value in force of ${name}: ${what}. A metric only while it is scheduled, triggered or adaptive.`,
    expected: "As its schedule or controller says.",
    advice: `Set trainer.config.${name}; it takes effect with the next step.`,
  },
});

/** The metrics of a training step. */
export const metricGlossary: Readonly<Record<string, MetricEntry>> = {
  reward: {
    meaning: "Mean reward of the step's rollouts.",
    expected: "Rises, fastest in the first third of a run; noisy by about 1 / sqrt(rollouts).",
    advice:
      "Flat from the start: look at zeroVariance and at single rollouts. Falling: look at entropy, gradNorm and kl. Gone within one step: read the tool outputs in its rollouts.",
  },
  accuracy: {
    meaning: "Share of rollouts whose final answer is right, whatever the reward.",
    expected: "Follows the reward. The gap between them is what shaping and format terms pay.",
    advice: "Reward up and accuracy not: the policy earns something else than right answers; read its rollouts.",
  },
  codeShare: {
    meaning: "Share of rollouts with at least one execution.",
    expected: "Rises where code helps. It drifts to 1 on tasks where it does no harm.",
    advice: "Falling to 0: tool outputs look unlike anything the policy has seen, or errors are punished.",
  },
  codeShareOfCorrect: {
    meaning: "Share of the right answers that used code.",
    expected: "Above codeShare where code helps.",
    advice: "Below codeShare: code hurts here; compare with a text-only evaluation.",
  },
  toolCalls: {
    meaning: "Executions per rollout.",
    expected: "At most maxToolCalls, near what the tasks need.",
    advice: "At the budget for most rollouts: raise maxToolCalls, or look for loops of the same code.",
  },
  passRate: {
    meaning: "Share of executions that ended without an error.",
    expected: "Rises above 0.9 within tens of steps.",
    advice: "Stuck low: read the error lines; a package may be missing in the interpreter.",
  },
  toolErrors: {
    meaning: "Share of executions that ended in an error; 0 without any execution.",
    expected: "Falls below 0.1 within tens of steps.",
    advice: "Rising: read the error lines; a broken interpreter looks the same as broken code.",
  },
  forgedOutput: {
    meaning: 'Share of rollouts in which the policy wrote a "```output" block itself.',
    expected: "Falls below 0.01. It is high while a budget is too short for the tasks.",
    advice: "Rising: check maskToolTokens and the boundary; filter forged outputs.",
  },
  responseLength: {
    meaning: "Tokens after the prompt, tool outputs included; mean over rollouts.",
    expected: "Changes slowly.",
    advice: "Growing with truncated: shape overlong responses. Shrinking to almost nothing: the policy gave up.",
  },
  truncated: {
    meaning: "Share of rollouts cut by maxLength.",
    expected: "Below 0.05.",
    advice: "Raise maxLength, or mask overlong rollouts: a cut answer is no wrong answer.",
  },
  repetition: {
    meaning: "Share of rollouts in which some run of 8 sampled tokens comes at least 4 times, overlaps counted.",
    expected: "Near 0.",
    advice: "Rising: the policy goes round in circles; filter repetition, lower the learning rate.",
  },
  forcedBoundaries: {
    meaning: "Share of tool calls where sampled text beyond the fence had to be replaced by forced tokens.",
    expected: "Near 0: tokenizers with a fence token of its own never need it.",
    advice: "High: the tokenizer joins the fence with what follows; gradients at boundaries are lost.",
  },
  zeroVariance: {
    meaning: "Share of prompts whose rollouts all got the same reward: with a group baseline they teach nothing.",
    expected: "0.2 to 0.6. High at the start (too hard) and at the end (solved).",
    advice: "Above 0.8: choose other tasks, raise numGenerations, or sample dynamically.",
  },
  infrastructure: {
    meaning: "Share of rollouts lost because the interpreter itself failed. They are never scored.",
    expected: "0.",
    advice: "Anything else: look at python.stats() and `cirlab doctor`.",
  },
  interventions: {
    meaning:
      "Share of rollouts in which an expert wrote. Reward and accuracy are of the rollouts as they are, help included.",
    expected: "As the rule says when the expert takes over; absent where it never did.",
    advice: "To see the policy alone, evaluate it without the mixture.",
  },
  refillRounds: {
    meaning: "Rounds of further prompts that dynamic sampling collected in place of prompts without variance.",
    expected: "0 to 2; at most the filter's maxRefills.",
    advice: "Always at maxRefills: the tasks are too hard or solved; choose others.",
  },
  discardedPrompts: {
    meaning: "Prompts that were collected in the step and thrown away because their rollouts all got the same reward.",
    expected: "Below promptsPerStep.",
    advice: "It is the price of dynamic sampling; compare the time per step with the filter switched off.",
  },
  collectedAccuracy: {
    meaning: "Share of right answers among all rollouts of the step, those of discarded prompts included.",
    expected: "Rises. With dynamic sampling accuracy itself stays near the middle, since it is of selected prompts.",
    advice: "Judge progress by it, or by an evaluation, not by accuracy.",
  },
  ...filtered("zeroVariance", "its prompt's rollouts all got the same reward"),
  ...filtered("voidTurn", "a turn has neither a complete block of code nor an answer"),
  ...filtered("forgedOutput", "the policy wrote an output block itself"),
  ...filtered("overlong", "maxLength cut it"),
  ...filtered("repetition", "it goes round in circles"),
  "penalised.overlong": {
    meaning: "Share of rollouts whose reward was punished because they came near maxLength.",
    expected: "Small, and falling.",
    advice: "High and staying: a longer buffer, a larger factor, or a larger maxLength.",
  },
  loss: {
    meaning: "The objective that was minimised, mean over the step's mini-batches.",
    expected: "Near 0 and of either sign: advantages have mean 0. Not a measure of progress.",
    advice: "Only its being finite matters; look at reward instead.",
  },
  gradNorm: {
    meaning: "Largest global norm of the gradient among the step's mini-batches, before clipping to maxGradNorm.",
    expected: "Within a factor of 3 of its recent values.",
    advice: "Growing: lower the learning rate. Spikes: look at trainer.influence(batch, advantages) for the rollouts.",
  },
  entropy: {
    meaning: "Entropy of the policy's next-token distributions over trained tokens, in nats: -sum p log p.",
    expected: "Falls slowly, levels off above 0.",
    advice:
      "Collapsing to 0: raise clipRatioHigh, add an entropy bonus, or lower the learning rate. Rising: the policy is falling apart, or it reads tool outputs unlike any before.",
  },
  kl: {
    meaning: "KL(old || new) within the step by the k1 estimate: mean of oldLogprob - logprob over trained tokens.",
    expected: "About 0 in the first mini-batch, below 0.02 in later ones.",
    advice: "Above it: fewer mini-batches, a lower learning rate, or a KL stop.",
  },
  refKl: {
    meaning:
      "Estimated KL(policy || reference) over trained tokens, by klForm: during the update where the penalty is in the loss, of the tokens as they were sampled where it is in the reward.",
    expected: "Grows from 0 and levels off where klCoef balances the reward.",
    advice: "Reward stalls while it is flat: klCoef is too high; reset the reference.",
  },
  clipFraction: {
    meaning:
      "Share of trained tokens at which a limit of the loss took hold; for PPO clip, where the clipped term is larger than the plain one: max(-A rho, -A clip(rho, 1 - clipRatioLow, 1 + clipRatioHigh)).",
    expected: "0 in the first mini-batch, below 0.1 on the mean. With two mini-batches often below 0.01.",
    advice: "Above 0.2: the steps are too large for the batch; fewer mini-batches or a lower learning rate.",
  },
  ratioDeviation: {
    meaning: "Largest |ratio - 1| of the first mini-batch, before any update: how far the sampler is from the trainer.",
    expected: "Below 1e-4 for rollouts of this very policy; a larger one stops the step.",
    advice: "The sampler and the trainer disagree: check temperature, dtype and the version of the weights.",
  },
  ratioMax: {
    meaning: "Largest ratio pi / pi_old of a trained token in the step.",
    expected: "Below 3.",
    advice: "Extremes come from tokens that were very unlikely when they were sampled; dual clip bounds their loss.",
  },
  valueLoss: {
    meaning:
      "The critic's loss over trained tokens: 1/2 mean max((V - G)^2, (clip(V, V_old - valueClip, V_old + valueClip) - G)^2).",
    expected: "Falls from about half the mean square of the returns, then follows how uncertain outcomes are.",
    advice: "Not falling: raise criticLearningRate, or let the critic learn alone first (criticWarmup).",
  },
  explainedVariance: {
    meaning:
      "How much of the returns the critic foresaw: 1 - Var(G - V) / Var(G) over trained tokens, with the values as scored; 0 where all returns are the same.",
    expected: "Rises from 0 towards 1. Rewards that nobody could foresee keep it below 1.",
    advice: "Below 0: the values are worse than none; lower criticLearningRate, or raise criticWarmup.",
  },
  valueMean: {
    meaning: "Mean value before trained tokens as scored: the return that the critic expects.",
    expected: "Near the mean reward, a few steps behind it.",
    advice: "Far from it: the critic is too slow; raise criticLearningRate.",
  },
  valueClipFraction: {
    meaning: "Share of trained tokens at which the limit of valueClip, not the value itself, sets the critic's loss.",
    expected: "0 in the first mini-batch, below 0.2 on the mean.",
    advice: "High: values move by more than valueClip in a step; lower criticLearningRate, or raise valueClip.",
  },
  criticGradNorm: {
    meaning:
      "Largest global norm of the critic's gradient among the step's mini-batches, before clipping to maxGradNorm.",
    expected: "Within a factor of 3 of its recent values.",
    advice: "Growing: lower criticLearningRate.",
  },
  criticSkipped: {
    meaning:
      "Mini-batches that changed nothing in the critic: its gradient was not finite, or a guard refused the step.",
    expected: "0.",
    advice: "Lower criticLearningRate; look at the rewards.",
  },
  learningRate: {
    meaning: "AdamW's step size in force: the schedule times the warm-up; 0 while only the critic learns.",
    expected: "As the schedule says.",
    advice: "Set trainer.config.learningRate; it takes effect with the next step.",
  },
  tokens: {
    meaning: "Tokens trained on in the step.",
    expected: "Equal to the sampled tokens of the batch while maskToolTokens holds and nothing is filtered.",
    advice: "The invariant is checked; an error names the step.",
  },
  skipped: {
    meaning: "Mini-batches that changed nothing because their gradient was not finite or a limit was passed.",
    expected: "0.",
    advice: "Lower the learning rate; look at the rollouts that an alert names.",
  },
  klStopped: {
    meaning: "Mini-batches that the KL stop left out: one before them had a KL(old || new) of more than 1.5 klStop.",
    expected: "0 in most steps.",
    advice:
      "Above 0 in most steps: lower the learning rate or take fewer mini-batches; they cost rollouts for nothing.",
  },
  importanceMean: {
    meaning:
      "Truncated importance sampling: mean over trained tokens of pi_old / pi_behaviour before the cap (importanceLevel says of what).",
    expected: "Exactly 1 for rollouts of this very policy; near 1 for slightly stale ones.",
    advice: "Far from 1: the rollouts come from another policy; collect again, or train on them with fewer steps.",
  },
  importanceMax: {
    meaning: "Truncated importance sampling: the largest pi_old / pi_behaviour of a trained token, before the cap.",
    expected: "Exactly 1 for rollouts of this very policy; below 5 for slightly stale ones.",
    advice:
      "Very large: single tokens that their sampler hardly ever gave; the cap bounds them, or mask their rollout.",
  },
  importanceTruncated: {
    meaning:
      "Truncated importance sampling: share of trained tokens whose pi_old / pi_behaviour was above importanceCap.",
    expected: "0 for rollouts of this very policy, below 0.05 for others.",
    advice: "High: the correction is cut short and the gradient biased; use fresher rollouts.",
  },
  ...inForce("weightDecay", "AdamW's weight decay"),
  ...inForce("maxGradNorm", "the norm that gradients are scaled down to"),
  ...inForce("clipRatioLow", "how far the ratio may fall below 1"),
  ...inForce("clipRatioHigh", "how far the ratio may rise above 1"),
  ...inForce("clipRatioDual", "the dual clip's limit"),
  ...inForce("klCoef", "the weight of the KL penalty, which an adaptive one moves so that refKl stays near its target"),
  ...inForce("entropyCoef", "the weight of the entropy bonus, which an adaptive one raises while entropy is too low"),
  ...inForce("criticLearningRate", "the critic's step size"),
  ...inForce("maxLength", "tokens of a rollout in all, prompt included"),
  ...inForce("temperature", "what logits are divided by for sampling"),
  ...inForce("topP", "the share of probability that is sampled from"),
  ...inForce("gamma", "the discount per trained token"),
  ...inForce("gaeLambda", "GAE's decay"),
  ...inForce("valueClip", "how far a value may move in the critic's loss"),
  ...inForce("sapoTauPositive", "the temperature of SAPO's gate for positive advantages"),
  ...inForce("sapoTauNegative", "the temperature of SAPO's gate for other advantages"),
  ...inForce("covRatio", "the share of tokens that Clip-Cov and KL-Cov pick"),
  ...inForce("covLow", "the covariance above which Clip-Cov draws"),
  ...inForce("covHigh", "the covariance below which Clip-Cov draws"),
  ...inForce("covKlCoef", "the weight of KL-Cov's penalty"),
  ...inForce("importanceCap", "the largest weight of truncated importance sampling"),
  ...inForce("klStop", "the KL(old || new) at which a step ends early"),
  maxToolCalls: {
    meaning: "The tool budget in force: executions allowed per rollout.",
    expected: "As the schedule says.",
    advice: "A longer budget helps only tasks that need dependent calls.",
  },
};

import { type MetricEntry, metricGlossary } from "../metric-glossary.ts";

type Glossary = Readonly<Record<string, MetricEntry>>;

const { gradNorm, learningRate } = metricGlossary as Record<"gradNorm" | "learningRate", MetricEntry>;

/** Metrics of every step over a corpus. */
const corpusGlossary: Glossary = {
  learningRate: { ...learningRate, meaning: "AdamW's step size in force: the schedule times the warm-up." },
  gradNorm: {
    ...gradNorm,
    meaning: "Global norm of the gradient before clipping to maxGradNorm.",
    advice: "Growing: lower the learning rate. Spikes: look at the step's samples.",
  },
  entropy: {
    meaning: "Entropy of the policy's next-token distributions over trained tokens, in nats: -sum p log p.",
    expected: "Falls with the loss.",
    advice: "Far below the loss on held-back samples: the policy is sure of what is wrong. Stop earlier.",
  },
  epoch: {
    meaning: "Passes over the corpus so far.",
    expected: "A few; small corpora are learnt by heart within ten.",
    advice: "Compare the held-back figures of whole passes.",
  },
  tokens: {
    meaning: "Tokens of the step that count in the loss.",
    expected: "About the same in every step but the last one of a pass.",
    advice: "Few beside fill: most of the corpus is prompts and tool outputs, which do not count.",
  },
  skipped: {
    meaning: "1 where the gradient was not finite and nothing was changed.",
    expected: "0.",
    advice: "Lower the learning rate.",
  },
};

export const sftGlossary: Glossary = {
  ...corpusGlossary,
  loss: {
    meaning: "Cross-entropy of the step's trained tokens in nats: mean of -log p(token).",
    expected: "Begins near log(vocabulary) for fresh weights, below 2 for a pre-trained policy, and falls.",
    advice: "Flat: raise the learning rate. Falling while evalLoss rises: the samples are being learnt by heart.",
  },
  perplexity: {
    meaning: "exp(loss): among how many equally likely tokens the policy wavers.",
    expected: "Falls towards 1.",
    advice: "As loss.",
  },
  evalLoss: {
    meaning: "Cross-entropy of the held-back samples' trained tokens in nats.",
    expected: "Falls with the loss, then levels off above it.",
    advice: "Rising: go back to the checkpoint where it was lowest (rewind), or take more data.",
  },
  evalPerplexity: { meaning: "exp(evalLoss).", expected: "As evalLoss.", advice: "As evalLoss." },
  samples: {
    meaning: "Samples of the step.",
    expected: "batchTokens over the samples' mean length, with packing.",
    advice: "Few: raise batchTokens.",
  },
  fill: {
    meaning: "Share of the rows' positions that hold a token; the rest is padding.",
    expected: "Above 0.9 with packing, but in the last step of a pass.",
    advice: "Low without packing: turn it on. Low with it: maxLength is close to the samples' lengths.",
  },
};

export const dpoGlossary: Glossary = {
  ...corpusGlossary,
  loss: {
    meaning: "Mean of -log sigmoid(margin) over the step's pairs, label smoothing aside.",
    expected: "Begins at log 2 = 0.693 and falls.",
    advice: "Near 0 within a pass: beta or the learning rate is too high, and the pairs are learnt by heart.",
  },
  rewardChosen: {
    meaning: "Mean of beta (log pi - log ref) over the chosen answers.",
    expected: "Near 0; it often falls, only more slowly than rewardRejected.",
    advice: "Falling fast: the policy unlearns the good answers too. Raise beta, or lower the learning rate.",
  },
  rewardRejected: {
    meaning: "Mean of beta (log pi - log ref) over the rejected answers.",
    expected: "Falls below 0.",
    advice: "Rising: the pairs may be the wrong way round.",
  },
  rewardMargin: {
    meaning: "rewardChosen - rewardRejected.",
    expected: "Begins at 0 and rises.",
    advice: "Flat: raise the learning rate, or look for pairs that contradict each other.",
  },
  rewardAccuracy: {
    meaning: "Share of the step's pairs whose margin is above 0.",
    expected: "Rises above 0.7.",
    advice: "Near 0.5: the preferences are noise to this policy; look at single pairs.",
  },
  evalRewardMargin: {
    meaning: "rewardMargin on the held-back pairs.",
    expected: "Rises more slowly than rewardMargin.",
    advice: "Falling: the pairs are being learnt by heart. Stop earlier.",
  },
  evalRewardAccuracy: {
    meaning: "rewardAccuracy on the held-back pairs.",
    expected: "Close to rewardAccuracy.",
    advice: "Near 0.5: nothing general is learnt.",
  },
  pairs: {
    meaning: "Pairs of the step.",
    expected: "pairsPerStep, but in the last step of a pass.",
    advice: "Set pairsPerStep.",
  },
};

/** Metrics of expert iteration beside those of the rollouts, which are the policy's before the round's fine-tuning. */
export const expertIterationGlossary: Glossary = {
  ...metricGlossary,
  kept: {
    meaning: "Right rollouts that were learnt from: each once, at most maxPerPrompt of a prompt.",
    expected: "Rises with accuracy until every prompt gives its most.",
    advice: "Near 0: take easier tasks, more rollouts of each prompt, or a better base.",
  },
  coverage: {
    meaning: "Share of the prompts with at least one right rollout.",
    expected: "Above accuracy, and rising.",
    advice: "Flat: what the policy never gets right it cannot learn this way.",
  },
  duplicates: {
    meaning: "Right rollouts with the same tokens as one kept before.",
    expected: "Rises as the policy grows sure.",
    advice: "Most of the right ones in the first round: raise the temperature.",
  },
  surplus: {
    meaning: "Different right rollouts beyond maxPerPrompt.",
    expected: "Rises with accuracy.",
    advice: "Large: easy prompts take most of the sampling. Take harder tasks.",
  },
  loss: {
    meaning: "Cross-entropy in the last step of the round's fine-tuning, in nats.",
    expected: "Falls from round to round.",
    advice: "Near 0: fewer epochs, or the policy repeats a few answers by heart.",
  },
  steps: {
    meaning: "Optimizer steps of the round's fine-tuning.",
    expected: "epochs times the kept tokens over batchTokens.",
    advice: "One or two: lower sft.batchTokens.",
  },
};

import type { Tensor } from "../../graph/index.ts";

/** What a policy loss is made of: per token, shape [N], unless said otherwise. */
export interface PolicyLossInputs {
  /** Of the sampled tokens under the policy that learns. */
  readonly logprobs: Tensor;
  readonly oldLogprobs: Tensor;
  /** logprobs - oldLogprobs, and its exponential. */
  readonly logRatio: Tensor;
  readonly ratio: Tensor;
  readonly advantages: Tensor;
  /** 1 where a token is trained on. */
  readonly mask: Tensor;
  /** One of the loss's settings, shape []. */
  readonly setting: (name: string) => Tensor;
  /** 1 for the tokens that the loss's `select` chose. */
  readonly selected: () => Tensor;
  /** The mean over each sequence's trained tokens, at each of its tokens. */
  readonly sequenceMean: (perToken: Tensor) => Tensor;
}

/** What a policy loss says of each token. */
export interface PolicyLossTerms {
  /** What is minimised. */
  readonly perToken: Tensor;
  /** 1 where a limit of the loss took hold. */
  readonly clipped: Tensor;
  /** The ratio that the loss works with, where it is not the token's own. */
  readonly ratio?: Tensor;
}

/** What the host knows of a mini-batch's trained tokens when a loss chooses some of them. */
export interface TokenStatistics {
  readonly advantages: ArrayLike<number>;
  readonly logprobs: ArrayLike<number>;
  readonly mask: ArrayLike<number>;
  /** Uniform draws in [0, 1) of the run's own stream. */
  readonly random: () => number;
}

/** A policy loss: a small graph, and the settings that it takes as inputs of the program. */
export interface PolicyLoss {
  /** Settings that it reads: changing one costs no new program. */
  readonly settings: readonly string[];
  terms(inputs: PolicyLossInputs): PolicyLossTerms;
  /** Settings that `select` reads. */
  readonly selectionSettings?: readonly string[];
  /** Marks tokens that the loss treats apart; called with a mini-batch before each update. */
  select?(tokens: TokenStatistics, settings: Readonly<Record<string, number>>): Float32Array;
}

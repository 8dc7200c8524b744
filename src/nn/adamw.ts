import { z } from "zod";
import { parseInput } from "../base/schema.ts";
import type { HostTensor } from "../engine/types.ts";
import { add, div, less, minimum, mul, sqrt, sub, toFloat, where } from "../graph/elementwise.ts";
import { sumOfSquares } from "../graph/reduce.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import type { ParameterSpec } from "./decoder.ts";
import type { Weights } from "./transformer.ts";

/** A norm from here on counts as not finite; compared with a number, since devices differ in how they treat infinity. */
const LARGEST_NORM = 1e30;

const fraction = z.number().min(0).lt(1);

const adamwSchema = z.object({
  learningRate: z.number().min(0),
  beta1: fraction,
  beta2: fraction,
  epsilon: z.number().positive(),
  weightDecay: z.number().min(0),
  maxGradNorm: z.number().positive(),
  gradNormLimit: z.number().nonnegative().max(LARGEST_NORM).optional(),
});

/**
 * Settings of AdamW (Loshchilov & Hutter 2019). Gradients are scaled down to the global norm `maxGradNorm`; an update whose
 * norm reaches `gradNormLimit` before that changes nothing. Default: only one that is not finite.
 */
export type AdamWOptions = Readonly<z.infer<typeof adamwSchema>>;

/** PyTorch's defaults, and a limit of 1 on the gradient norm. */
export const adamwDefaults: AdamWOptions = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

/**
 * The scalar inputs of an optimizer step. Both bias corrections are folded in, so the graph needs no step count:
 * `learningRate` is η √(1 − β₂ᵗ) / (1 − β₁ᵗ), `epsilon` is ε √(1 − β₂ᵗ), `weightDecayFactor` is 1 − η λ; `beta1`, `beta2`,
 * `maxGradNorm` and `gradNormLimit` are as given.
 *
 * @param step t, the number of this update: 1 for the first.
 */
export function adamwInputs(options: AdamWOptions, step: number): Record<string, HostTensor> {
  const {
    learningRate,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    maxGradNorm,
    gradNormLimit = LARGEST_NORM,
  } = parseInput(adamwSchema, options, "AdamW settings");
  parseInput(z.number().int().positive(), step, "number of an update");
  // The graph computes with single-precision betas; correcting for those very numbers keeps early steps exact.
  const correction1 = 1 - Math.fround(beta1) ** step;
  const correction2 = Math.sqrt(1 - Math.fround(beta2) ** step);
  const scalars = {
    learningRate: (learningRate * correction2) / correction1,
    weightDecayFactor: 1 - learningRate * weightDecay,
    epsilon: epsilon * correction2,
    beta1,
    beta2,
    maxGradNorm,
    gradNormLimit,
  };
  return Object.fromEntries(
    Object.entries(scalars).map(([name, value]) => [
      name,
      { dtype: "float32", shape: [], data: Float32Array.of(value) } satisfies HostTensor,
    ]),
  );
}

/**
 * Appends the clipping of the global gradient norm and AdamW to a graph, with its inputs and outputs.
 *
 * Inputs: `m.<name>` and `v.<name>` for each parameter, and the scalars of `adamwInputs`.
 * Outputs: `w2.<name>`, `m2.<name>` and `v2.<name>`; `gradNorm` before clipping; `skipped`, 1 if the norm was not finite
 * or not below `gradNormLimit`, or `valid` (bool, shape []) was false, and weights and moments therefore stay as they were,
 * else 0.
 *
 * Outputs may be written over the inputs they replace: every factor below depends on the norm, hence on all gradients, so
 * whatever else reads the old weights has run before the first new one is written.
 */
export function appendAdamW(
  graph: Graph,
  specs: readonly ParameterSpec[],
  weights: Weights,
  gradients: readonly Tensor[],
  valid?: Tensor,
): void {
  const [rate, decayFactor, epsilon, givenBeta1, givenBeta2, maxGradNorm, gradNormLimit] = [
    "learningRate",
    "weightDecayFactor",
    "epsilon",
    "beta1",
    "beta2",
    "maxGradNorm",
    "gradNormLimit",
  ].map((name) => graph.input(name, [])) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
  const gradNorm = sqrt(gradients.map(sumOfSquares).reduce((total, part) => add(total, part)));
  const finite = less(valid ? where(valid, gradNorm, 2 * LARGEST_NORM) : gradNorm, gradNormLimit);
  const clipping = where(finite, minimum(1, div(maxGradNorm, add(gradNorm, 1e-6))), 0);
  const beta1 = where(finite, givenBeta1, 1);
  const beta2 = where(finite, givenBeta2, 1);
  const step = where(finite, rate, 0);
  const decay = where(finite, decayFactor, 1);
  graph.output("gradNorm", gradNorm);
  graph.output("skipped", sub(1, toFloat(finite)));
  specs.forEach(({ name, shape, decay: decays }, i) => {
    const [m, v] = [graph.input(`m.${name}`, shape), graph.input(`v.${name}`, shape)];
    const gradient = mul(where(finite, gradients[i]!, 0), clipping);
    const m2 = add(mul(m, beta1), mul(gradient, sub(1, beta1)));
    const v2 = add(mul(v, beta2), mul(mul(gradient, gradient), sub(1, beta2)));
    const weight = decays ? mul(weights[name]!, decay) : weights[name]!;
    graph.output(`w2.${name}`, sub(weight, mul(div(m2, add(sqrt(v2), epsilon)), step)));
    graph.output(`m2.${name}`, m2);
    graph.output(`v2.${name}`, v2);
  });
}

import { Lab } from "../../src/index.ts";
import { type DecoderConfig, initialise } from "../../src/nn/index.ts";
import { Policy } from "../../src/policy/policy.ts";
import { presets } from "../../src/policy/presets.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";

/** A model and the sizes it is measured at. */
export interface Workload {
  readonly name: string;
  readonly config: DecoderConfig;
  /** Rows and tokens a row of a training step. */
  readonly training: { readonly rows: number; readonly length: number };
  /** Sequences generated at once, tokens of their prompts and tokens to add. */
  readonly generation: { readonly rows: number; readonly prompt: number; readonly newTokens: number };
}

export const workloads: readonly Workload[] = [
  {
    name: "d128 L4 (0.9 M)",
    config: {
      vocabSize: 128,
      hiddenSize: 128,
      numLayers: 4,
      numHeads: 4,
      numKeyValueHeads: 4,
      headDim: 32,
      intermediateSize: 384,
      ropeTheta: 10_000,
      rmsNormEps: 1e-6,
      maxLength: 128,
      tieWordEmbeddings: true,
      qkvBias: true,
    },
    training: { rows: 32, length: 128 },
    generation: { rows: 64, prompt: 32, newTokens: 96 },
  },
  {
    name: "tiny-math (0.35 M)",
    config: presets["tiny-math"]!().config,
    // Half a collection of the CIR recipe: what one update sees.
    training: { rows: 128, length: 96 },
    generation: { rows: 64, prompt: 32, newTokens: 64 },
  },
];

/** A policy on the CPU with fresh weights of a workload's model. */
export async function benchPolicy({ name, config }: Workload, threads: number): Promise<Policy> {
  const lab = new Lab({ seed: 80, device: "cpu", threads });
  // Token ids go in and out; the tokenizer is along for the ride.
  return Policy.fromWeights(name, lab, config, tinyMathTokenizer(), initialise(config, lab.random("init")));
}

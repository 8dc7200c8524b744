import { Lab } from "../../src/lab.ts";
import { initialise } from "../../src/nn/index.ts";
import { Policy } from "../../src/policy/policy.ts";
import { tinyMathTokenizer } from "../../src/policy/tiny-math.ts";

export const supervisedLab = new Lab({ seed: 11, device: "cpu", threads: 1 });

/** A policy of 20,000 weights: a step takes milliseconds. */
export async function smallPolicy(lab = supervisedLab): Promise<Policy> {
  const tokenizer = tinyMathTokenizer();
  const config = {
    vocabSize: tokenizer.vocabSize,
    hiddenSize: 48,
    numLayers: 2,
    numHeads: 2,
    numKeyValueHeads: 1,
    headDim: 24,
    intermediateSize: 96,
    ropeTheta: 500,
    rmsNormEps: 1e-6,
    maxLength: 64,
    tieWordEmbeddings: true as const,
    qkvBias: true as const,
  };
  return Policy.fromWeights("small", lab, config, tokenizer, initialise(config, lab.random("init")));
}

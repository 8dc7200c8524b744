import type { DecoderConfig } from "../nn/index.ts";
import { tinyMathTokenizer } from "./tiny-math.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Policies that `Policy.create` makes from nothing, by name. */
export const presets: Readonly<Record<string, () => { config: DecoderConfig; tokenizer: Tokenizer }>> = {
  /** Three layers, width 96: small enough to learn to use Python in minutes on two CPU cores. */
  "tiny-math": () => {
    const tokenizer = tinyMathTokenizer();
    return {
      tokenizer,
      config: {
        vocabSize: tokenizer.vocabSize,
        hiddenSize: 96,
        numLayers: 3,
        numHeads: 4,
        numKeyValueHeads: 4,
        headDim: 24,
        intermediateSize: 256,
        // Sequences of a hundred tokens: a short base separates neighbouring digits (10,000 cannot copy them).
        ropeTheta: 500,
        rmsNormEps: 1e-6,
        maxLength: 96,
        tieWordEmbeddings: true,
        qkvBias: true,
      },
    };
  },
};

import { formatNumber, type Table, table } from "../display/index.ts";
import type { DecoderModel } from "./decoder.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What the table tells of a policy. */
export interface PolicyFacts extends DecoderModel {
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly parameterCount: number;
  readonly version: number;
}

/** What a policy is made of. */
export function policyTable(policy: PolicyFacts): Table {
  const { config, tokenizer, engine } = policy;
  const heads = `${config.numHeads} heads, ${config.numKeyValueHeads} of keys and values, width ${config.headDim}`;
  return table(
    [
      { what: "parameters", value: formatNumber(policy.parameterCount) },
      { what: "layers", value: `${config.numLayers} of width ${config.hiddenSize} (MLP ${config.intermediateSize})` },
      { what: "attention", value: heads },
      { what: "vocabulary", value: `${tokenizer.vocabSize} tokens` },
      { what: "positions", value: String(config.maxLength) },
      { what: "device", value: engine.report.device },
      { what: "updates", value: String(policy.version) },
    ],
    { caption: `Policy ${policy.name}` },
  );
}

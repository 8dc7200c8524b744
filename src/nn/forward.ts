import { softmax } from "../graph/activation.ts";
import { add, equal, mul, where } from "../graph/elementwise.ts";
import { matmul, matmulTransposed } from "../graph/linear.ts";
import { rotary, rotaryTables } from "../graph/rotary.ts";
import { reshape, split, transpose } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { tokenLogprobs } from "../graph/tokens.ts";
import type { DecoderConfig } from "./decoder.ts";
import { decoderLogits, openGraph, type ProgramOptions, type Weights } from "./transformer.ts";

/** The static size of a program that reads whole sequences. */
export interface BatchShape extends ProgramOptions {
  /** Sequences in a batch. */
  readonly batchSize: number;
  /** Tokens in a sequence, padding (at the end) included. */
  readonly sequenceLength: number;
  /** A row holds several sequences: inputs say which each token belongs to. Default false. */
  readonly packed?: boolean;
}

/** What is added to a score that must not be seen: its weight becomes exactly 0. */
export const HIDDEN_SCORE = -1e9;

/**
 * Attention of every token to itself and those before it, over rows laid out one after another. A packed row's tokens see
 * those of their own segment alone and turn by their positions in it: int32 inputs `segments` and `positions`, both
 * [batchSize · sequenceLength].
 */
export function causalAttention(graph: Graph, config: DecoderConfig, shape: BatchShape) {
  const { batchSize, sequenceLength, packed } = shape;
  const { numHeads, numKeyValueHeads, headDim } = config;
  const group = numHeads / numKeyValueHeads;
  const tables = rotaryTables(sequenceLength, headDim, config.ropeTheta);
  const hidden = Float32Array.from({ length: sequenceLength ** 2 }, (_, i) =>
    i % sequenceLength > Math.floor(i / sequenceLength) ? HIDDEN_SCORE : 0,
  );
  let cos = graph.constant(tables.cos, [sequenceLength, headDim]);
  let sin = graph.constant(tables.sin, [sequenceLength, headDim]);
  let mask = graph.constant(hidden, [sequenceLength, sequenceLength]);
  if (packed) {
    const tokens = [batchSize * sequenceLength];
    const positions = graph.input("positions", tokens, "int32");
    const at = (table: Tensor) =>
      reshape(graph.emit("Gather", [table, positions], [...tokens, headDim], { attributes: { axis: 0 } }), [
        batchSize,
        1,
        sequenceLength,
        headDim,
      ]);
    [cos, sin] = [at(cos), at(sin)];
    const segments = graph.input("segments", tokens, "int32");
    const [row, column] = [
      [batchSize, 1, sequenceLength, 1],
      [batchSize, 1, 1, sequenceLength],
    ];
    mask = where(equal(reshape(segments, row), reshape(segments, column)), mask, HIDDEN_SCORE);
  }
  return (_layer: number, qkv: Tensor): Tensor => {
    const rows = reshape(qkv, [batchSize, sequenceLength, numHeads + 2 * numKeyValueHeads, headDim]);
    const heads = transpose(rows, [0, 2, 1, 3]);
    const [turning, values] = split(heads, 1, [numHeads + numKeyValueHeads, numKeyValueHeads]) as [Tensor, Tensor];
    const [queries, keys] = split(rotary(turning, cos, sin), 1, [numHeads, numKeyValueHeads]) as [Tensor, Tensor];
    // The query heads of a group stand below each other as rows of one matrix, so shared keys are never copied.
    const grouped = [batchSize, numKeyValueHeads, group * sequenceLength];
    const scaled = reshape(mul(queries, headDim ** -0.5), [...grouped, headDim]);
    const scores = reshape(matmulTransposed(scaled, keys), [batchSize, numHeads, sequenceLength, sequenceLength]);
    const weights = reshape(softmax(add(scores, mask)), [...grouped, sequenceLength]);
    const mixed = reshape(matmul(weights, values), [batchSize, numHeads, sequenceLength, headDim]);
    return reshape(transpose(mixed, [0, 2, 1, 3]), [batchSize * sequenceLength, numHeads * headDim]);
  };
}

/** Inputs and distribution of a batch of sequences: what training and scoring share. */
export function sequenceLogprobs(graph: Graph, config: DecoderConfig, weights: Weights, shape: BatchShape) {
  const tokens = [shape.batchSize * shape.sequenceLength];
  const ids = graph.input("ids", tokens, "int32");
  const targets = graph.input("targets", tokens, "int32");
  const inverseTemperature = graph.input("inverseTemperature", []);
  const attend = causalAttention(graph, config, shape);
  return tokenLogprobs(decoderLogits(config, weights, ids, inverseTemperature, attend), targets);
}

/**
 * Scores whole sequences.
 *
 * Inputs: the weights; `ids` and `targets`, int32 [batchSize · sequenceLength], sequence after sequence, where
 * `targets[i]` is the token that should follow `ids[i]`; `inverseTemperature` []; of packed rows `segments` and `positions`.
 * Outputs: `logprobs` of the targets and `entropy` in nats, both [batchSize · sequenceLength].
 */
export function buildForward(config: DecoderConfig, shape: BatchShape): Graph {
  const [graph, weights] = openGraph("forward", config, shape);
  const { logprobs, entropy } = sequenceLogprobs(graph, config, weights, shape);
  graph.output("logprobs", logprobs);
  graph.output("entropy", entropy);
  return graph;
}

import { softmax } from "../graph/activation.ts";
import { add, less, mul, where } from "../graph/elementwise.ts";
import { linear, matmul, matmulTransposed } from "../graph/linear.ts";
import { rowSum } from "../graph/reduce.ts";
import { rotary, rotaryTables } from "../graph/rotary.ts";
import { concat, reshape, split } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { constantEntropy, constantLogSoftmax, embedding } from "../graph/tokens.ts";
import type { DecoderConfig } from "./decoder.ts";
import { HIDDEN_SCORE } from "./forward.ts";
import { decoderLogits, openGraph, type ProgramOptions } from "./transformer.ts";

/** The static size of a decode program. */
export interface DecodeShape extends ProgramOptions {
  /** Rows: sequences that are fed one token each. */
  readonly slots: number;
  /** Positions of the key-value cache. Default: the model's maxLength. */
  readonly length?: number;
  /** Most threads of the CPU session that will run it (`DeviceReport.threads`). A GPU has no use for it. Default 4. */
  readonly threads?: number;
}

/**
 * One token for each of `slots` sequences, each at its own position. A row's result depends on nothing but its token, its
 * position and its cache before that position: on a CPU it is the same to the last bit in any slot, beside any other rows
 * and for any number of slots from 2 (a single row takes another kernel).
 *
 * Inputs: the weights; `ids` and `positions`, int32 [slots] (the position of the token fed, from 0 to length - 1);
 * `inverseTemperature` []; for each layer `k.<layer>` and `v.<layer>`, [slots, numKeyValueHeads, length, headDim].
 * Outputs: `logprobs` of what comes next, [slots, vocabSize]; `entropy` in nats, [slots]; for each layer `newK.<layer>`
 * and `newV.<layer>`, [slots, numKeyValueHeads, 1, headDim], which the caller writes into the caches at `positions`.
 * Whatever finite values stand in a cache from a row's position on is ignored.
 */
export function buildDecode(config: DecoderConfig, shape: DecodeShape): Graph {
  const { slots, length = config.maxLength, threads = 4 } = shape;
  const [graph, weights] = openGraph("decode", config, shape);
  const ids = graph.input("ids", [slots], "int32");
  const positions = graph.input("positions", [slots], "int32");
  const inverseTemperature = graph.input("inverseTemperature", []);
  const attend = cachedAttention(graph, config, positions, slots, length);
  const logprobs = constantLogSoftmax(
    decoderLogits(config, weights, ids, inverseTemperature, attend, steadyLinear(threads)),
  );
  graph.output("logprobs", logprobs);
  graph.output("entropy", reshape(constantEntropy(logprobs), [slots]));
  return graph;
}

/** Attention of one token a row to its cache and itself; declares the caches and returns the new entries as outputs. */
function cachedAttention(graph: Graph, config: DecoderConfig, positions: Tensor, slots: number, length: number) {
  const { numHeads, numKeyValueHeads, headDim } = config;
  const tables = rotaryTables(length, headDim, config.ropeTheta);
  const turn = (table: Float64Array) =>
    reshape(embedding(graph.constant(table, [length, headDim]), positions), [slots, 1, headDim]);
  const cos = turn(tables.cos);
  const sin = turn(tables.sin);
  const places = graph.constant(
    Array.from({ length }, (_, i) => i),
    [1, 1, 1, length],
    "int32",
  );
  const visible = less(places, reshape(positions, [slots, 1, 1, 1]));
  return (layer: number, qkv: Tensor): Tensor => {
    const cacheShape = [slots, numKeyValueHeads, length, headDim];
    const [pastKeys, pastValues] = [graph.input(`k.${layer}`, cacheShape), graph.input(`v.${layer}`, cacheShape)];
    const heads = reshape(qkv, [slots, numHeads + 2 * numKeyValueHeads, headDim]);
    const [turning, values] = split(heads, 1, [numHeads + numKeyValueHeads, numKeyValueHeads]) as [Tensor, Tensor];
    const [queries, keys] = split(rotary(turning, cos, sin), 1, [numHeads, numKeyValueHeads]) as [Tensor, Tensor];
    const newKey = reshape(keys, [slots, numKeyValueHeads, 1, headDim]);
    const newValue = reshape(values, [slots, numKeyValueHeads, 1, headDim]);
    graph.output(`newK.${layer}`, newKey);
    graph.output(`newV.${layer}`, newValue);
    const grouped = [slots, numKeyValueHeads, numHeads / numKeyValueHeads, headDim];
    const scaled = reshape(mul(queries, headDim ** -0.5), grouped);
    // The token's own score stands beside those of the cache, so the cache need not be written (and copied) first.
    const past = where(visible, matmulTransposed(scaled, pastKeys), HIDDEN_SCORE);
    const own = rowSum(mul(scaled, newKey));
    const [pastWeights, ownWeight] = split(softmax(concat([past, own], 3)), 3, [length, 1]) as [Tensor, Tensor];
    const mixed = add(matmul(pastWeights, pastValues), mul(ownWeight, newValue));
    return reshape(mixed, [slots, numHeads * headDim]);
  };
}

/** The block of inputs that ONNX Runtime's CPU matrix product adds up at once, and the unit in which it shares out columns. */
const BLOCK = 128;
const COLUMNS = 16;

/**
 * A linear layer whose rows are the same to the last bit for any number of rows. The CPU kernel shares out either rows or
 * columns between its threads, depending on how many rows there are, and lengthens its blocks of inputs where a thread has
 * 64 columns or fewer; sums over more than one block then differ. Where that can happen the blocks are made here.
 */
function steadyLinear(threads: number) {
  return (x: Tensor, weight: Tensor, bias?: Tensor): Tensor => {
    const [out, inputs] = weight.shape as [number, number];
    const columns = Math.floor(Math.ceil(out / COLUMNS) / threads);
    if (inputs <= BLOCK || threads === 1 || columns * COLUMNS > 64) return linear(x, weight, bias);
    const sizes = Array.from({ length: Math.ceil(inputs / BLOCK) }, (_, i) => Math.min(BLOCK, inputs - i * BLOCK));
    const weights = split(weight, 1, sizes);
    return split(x, 1, sizes)
      .map((part, i) => linear(part, weights[i]!, i ? undefined : bias))
      .reduce((total, part) => add(total, part));
  };
}

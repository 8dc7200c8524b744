import { InvalidInputError } from "../base/errors.ts";
import { equal, toFloat } from "./elementwise.ts";
import { constantMax, rowSum } from "./reduce.ts";
import { reshape } from "./shape.ts";
import { derived, expectTensor, floats, shapeText, type Tensor } from "./tensor.ts";

/** One-hot rows, shape [...ids, size]. Equal and Cast: the OneHot operator has no float64 and no int32 kernel on every device. */
export function oneHot(ids: Tensor, size: number): Tensor {
  expectTensor("oneHot", ids, ["int32"]);
  const classes = ids.graph.constant(
    Array.from({ length: size }, (_, i) => i),
    [1, size],
    "int32",
  );
  return toFloat(equal(reshape(ids, [...ids.shape, 1]), classes));
}

/** Rows of a table, [size, width] by ids [n] (each from 0 to size - 1) to [n, width]. */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  expectTensor("embedding", table, floats, 2);
  expectTensor("embedding", ids, ["int32"], 1);
  const [size, width] = table.shape as [number, number];
  const { graph } = table;
  const rows = graph.emit("Gather", [table, ids], [ids.shape[0]!, width], { attributes: { axis: 0 } });
  return derived(rows, [table], (d) => [
    graph.emit("Gemm", [oneHot(ids, size), d], table.shape, { attributes: { transA: 1 } }),
  ]);
}

/** Log-softmax over the last axis of [rows, classes], without gradient: parts of the operators below. */
export function constantLogSoftmax(logits: Tensor): Tensor {
  const { graph, shape } = logits;
  const column = [shape[0]!, 1];
  const shifted = graph.emit("Sub", [logits, constantMax(logits, 1)], shape);
  const total = rowSum(graph.emit("Exp", [shifted], shape));
  return graph.emit("Sub", [shifted, graph.emit("Log", [total], column)], shape);
}

/** The entropy in nats of each row of log-probabilities, [rows, classes] to [rows, 1], without gradient. */
export function constantEntropy(logprobs: Tensor): Tensor {
  const { graph, shape } = logprobs;
  const weighted = graph.emit("Mul", [graph.emit("Exp", [logprobs], shape), logprobs], shape);
  const total = rowSum(weighted);
  return graph.emit("Neg", [total], total.shape);
}

/**
 * What a distribution over tokens says of given ones.
 *
 * @param logits shape [rows, vocab].
 * @param targets ids, shape [rows], each from 0 to vocab - 1.
 * @returns `logprobs` of the targets and `entropy` of each row's distribution (nats), both [rows].
 */
export function tokenLogprobs(logits: Tensor, targets: Tensor): { logprobs: Tensor; entropy: Tensor } {
  expectTensor("tokenLogprobs", logits, floats, 2);
  expectTensor("tokenLogprobs", targets, ["int32"], 1);
  const { graph, shape } = logits;
  const [rows, vocab] = shape as [number, number];
  if (targets.shape[0] !== rows)
    throw new InvalidInputError(
      `tokenLogprobs has logits ${shapeText(shape)} but targets ${shapeText(targets.shape)}.`,
    );
  const column = [rows, 1];
  const all = constantLogSoftmax(logits);
  const picked = graph.emit("GatherElements", [all, reshape(targets, column)], column, { attributes: { axis: 1 } });
  const uncertainty = constantEntropy(all);
  // Fresh tensors, so that this operator's gradient is the only one that they have.
  const logprobs = graph.emit("Squeeze", [picked, graph.constant([1], [1], "int64")], [rows]);
  const entropy = graph.emit("Squeeze", [uncertainty, graph.constant([1], [1], "int64")], [rows]);
  graph.derive([logprobs, entropy], [logits], ([dLogprobs, dEntropy]) => {
    const emit = (operator: string, a: Tensor, b: Tensor) => graph.emit(operator, [a, b], shape);
    const probabilities = graph.emit("Exp", [all], shape);
    const parts: Tensor[] = [];
    if (dLogprobs) {
      const distance = emit("Sub", oneHot(targets, vocab), probabilities);
      parts.push(emit("Mul", distance, reshape(dLogprobs, column)));
    }
    if (dEntropy) {
      // dH/dz = -p (log p + H)
      const surprise = emit("Mul", probabilities, emit("Add", all, uncertainty));
      parts.push(emit("Mul", surprise, graph.emit("Neg", [reshape(dEntropy, column)], column)));
    }
    return [parts.length === 2 ? emit("Add", parts[0]!, parts[1]!) : parts[0]];
  });
  return { logprobs, entropy };
}

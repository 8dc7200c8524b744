export { softmax, swiGlu } from "./activation.ts";
export {
  add,
  clip,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  sigmoid,
  sqrt,
  stopGradient,
  sub,
  toFloat,
  where,
} from "./elementwise.ts";
export { encode } from "./encode.ts";
export type { DType, EncodedGraph, TensorSpec } from "./encoded.ts";
export { grad } from "./grad.ts";
export { linear, matmul, matmulTransposed } from "./linear.ts";
export { rmsNorm } from "./normalization.ts";
export { constantMax, mean, sum, sumOfSquares } from "./reduce.ts";
export { rotary, rotaryTables } from "./rotary.ts";
export { concat, reshape, split, transpose } from "./shape.ts";
export { type FloatType, Graph, type Operand, type Shape, Tensor } from "./tensor.ts";
export { constantEntropy, constantLogSoftmax, embedding, oneHot, tokenLogprobs } from "./tokens.ts";

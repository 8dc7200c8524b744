export { type AdamWOptions, adamwDefaults, adamwInputs } from "./adamw.ts";
export { buildDecode, type DecodeShape } from "./decode.ts";
export { checkDecoderConfig, type DecoderConfig, initialise, type ParameterSpec, parameterSpecs } from "./decoder.ts";
export { type BatchShape, buildForward } from "./forward.ts";
export { fromHuggingFace, type NamedTensor, toHuggingFace } from "./huggingface.ts";
export {
  buildGradients,
  buildObjective,
  buildOptimizerStep,
  buildTrainingStep,
  type LossFunction,
  type LossInputs,
  type LossTerms,
  type TrainingOptions,
  tokenMean,
} from "./training.ts";
export {
  buildValueStep,
  buildValues,
  type ValueLossFunction,
  type ValueLossInputs,
  valueHeadSpecs,
  valueSpecs,
} from "./value.ts";

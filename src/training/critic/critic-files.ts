import { CheckpointError } from "../../base/errors.ts";
import { type DecoderConfig, fromHuggingFace, toHuggingFace, valueHeadSpecs, valueSpecs } from "../../nn/index.ts";
import { decodeSafetensors, encodeSafetensors } from "../../policy/safetensors.ts";
import { modelPart, momentsOf, momentTensors } from "../moment-files.ts";
import type { CriticState } from "./critic.ts";

/**
 * A critic as one safetensors file: weights under the names of Hugging Face's Qwen2ForTokenClassification with one label,
 * and the moments of its optimizer.
 *
 * @param config the policy's.
 */
export function criticFile(config: DecoderConfig, { weights, optimizer }: CriticState): Uint8Array[] {
  const head = valueHeadSpecs(config).map(({ name, shape }) => [name, { shape, data: weights[name]! }]);
  return encodeSafetensors({
    ...toHuggingFace(config, weights),
    ...Object.fromEntries(head),
    ...momentTensors(valueSpecs(config), optimizer),
  });
}

/** @throws CheckpointError naming the tensor of the file that is missing or has another shape. */
export function readCriticFile(config: DecoderConfig, bytes: Uint8Array, updates: number, where: string): CriticState {
  const tensors = decodeSafetensors(bytes, where);
  const body = modelPart(tensors);
  const head = valueHeadSpecs(config).map(({ name, shape }) => {
    const tensor = body[name];
    if (String(tensor?.shape) !== String(shape))
      throw new CheckpointError(`${where}: ${name} is missing or has another shape.`);
    delete body[name];
    return [name, tensor!.data];
  });
  return {
    weights: { ...fromHuggingFace(config, body), ...Object.fromEntries(head) },
    optimizer: momentsOf(valueSpecs(config), tensors, updates, where),
  };
}

import { z } from "zod";
import { CheckpointError } from "../base/errors.ts";
import { fromHuggingFace, toHuggingFace } from "../nn/index.ts";
import type { Policy, Weights } from "../policy/policy.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "../policy/safetensors.ts";
import type { TrainerCheckpoint } from "./types.ts";

const stateSchema = z.strictObject({
  step: z.int().nonnegative(),
  policyVersion: z.int().nonnegative(),
  updates: z.int().nonnegative(),
});

/** A training checkpoint as files: a loadable policy, the optimizer's moments, and where the run stood. */
export async function checkpointFiles(
  policy: Policy,
  checkpoint: TrainerCheckpoint,
): Promise<Record<string, Uint8Array | string>> {
  const { step, policyVersion, optimizer, reference } = checkpoint;
  const moments: Record<string, NamedTensor> = {};
  for (const moment of ["m", "v"] as const)
    for (const [name, data] of Object.entries(optimizer[moment]))
      moments[`${moment}.${name}`] = { shape: policy.parameters[name]!.shape, data };
  return {
    ...(await policy.files()),
    "optimizer.safetensors": encodeSafetensors(moments),
    ...(reference && { "reference.safetensors": encodeSafetensors(toHuggingFace(policy.config, reference)) }),
    "trainer.json": `${JSON.stringify({ step, policyVersion, updates: optimizer.updates })}\n`,
  };
}

/** @throws CheckpointError naming the file or tensor that is missing or damaged. */
export function readCheckpointFiles(
  policy: Policy,
  files: Readonly<Record<string, Uint8Array>>,
  where: string,
): TrainerCheckpoint {
  const file = (name: string): Uint8Array => {
    const bytes = files[name];
    if (!bytes) throw new CheckpointError(`${where} has no ${name}.`);
    return bytes;
  };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(file("trainer.json")));
  } catch (error) {
    throw new CheckpointError(`${where}/trainer.json is not JSON.`, undefined, error);
  }
  const state = stateSchema.safeParse(json);
  if (!state.success) throw new CheckpointError(`${where}/trainer.json: ${state.error.issues[0]?.message}.`);
  const { step, policyVersion, updates } = state.data;
  const model = decodeSafetensors(file("model.safetensors"), `${where}/model.safetensors`);
  const moments = decodeSafetensors(file("optimizer.safetensors"), `${where}/optimizer.safetensors`);
  const take = (moment: string): Weights =>
    Object.fromEntries(
      Object.entries(policy.parameters).map(([name, { shape }]) => {
        const tensor = moments[`${moment}.${name}`];
        if (!tensor || String(tensor.shape) !== String(shape))
          throw new CheckpointError(
            `${where}/optimizer.safetensors: ${moment}.${name} is missing or has another shape.`,
          );
        return [name, tensor.data];
      }),
    );
  const optimizer = { updates, m: take("m"), v: take("v") };
  const kept = files["reference.safetensors"];
  return {
    step,
    policyVersion,
    weights: fromHuggingFace(policy.config, model),
    optimizer,
    ...(kept && {
      reference: fromHuggingFace(policy.config, decodeSafetensors(kept, `${where}/reference.safetensors`)),
    }),
  };
}

import { z } from "zod";
import { CheckpointError } from "../base/errors.ts";
import { fromHuggingFace, toHuggingFace } from "../nn/index.ts";
import type { Policy, Weights } from "../policy/policy.ts";
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from "../policy/safetensors.ts";
import type { OptimizerState } from "./adamw.ts";
import { controllerStatesSchema } from "./controllers/index.ts";
import type { TrainerCheckpoint } from "./types.ts";

const stateSchema = z.strictObject({
  step: z.int().nonnegative(),
  policyVersion: z.int().nonnegative(),
  updates: z.int().nonnegative(),
  /** Absent from checkpoints of versions without guards. */
  guards: z
    .strictObject({
      states: z.record(z.string(), z.strictObject({ recent: z.array(z.number()), streak: z.int().nonnegative() })),
      /** The weights to go back to; they lie in `last-good.safetensors`. */
      lastGood: z.strictObject({ step: z.int().nonnegative(), updates: z.int().nonnegative() }).optional(),
      rollbacks: z.array(z.int().nonnegative()).optional(),
    })
    .optional(),
  /** Absent from checkpoints of versions without controllers, and where there are none. */
  controllers: controllerStatesSchema.optional(),
});

/** A training checkpoint as files: a loadable policy, the optimizer's moments, and where the run stood. */
export async function checkpointFiles(
  policy: Policy,
  checkpoint: TrainerCheckpoint,
): Promise<Record<string, Uint8Array | string>> {
  const { step, policyVersion, optimizer, reference, guards, controllers = {} } = checkpoint;
  const lastGood = guards?.lastGood;
  const state = {
    step,
    policyVersion,
    updates: optimizer.updates,
    ...(guards && {
      guards: {
        states: guards.states,
        ...(lastGood && { lastGood: { step: lastGood.step, updates: lastGood.optimizer.updates } }),
        ...(guards.rollbacks && { rollbacks: guards.rollbacks }),
      },
    }),
    ...(Object.keys(controllers).length > 0 && { controllers }),
  };
  return {
    ...(await policy.files()),
    "optimizer.safetensors": encodeSafetensors(momentTensors(policy, optimizer)),
    ...(reference && { "reference.safetensors": encodeSafetensors(toHuggingFace(policy.config, reference)) }),
    ...(lastGood && {
      "last-good.safetensors": encodeSafetensors({
        ...toHuggingFace(policy.config, lastGood.weights),
        ...momentTensors(policy, lastGood.optimizer),
      }),
    }),
    "trainer.json": `${JSON.stringify(state)}\n`,
  };
}

function momentTensors(policy: Policy, optimizer: OptimizerState): Record<string, NamedTensor> {
  const moments: Record<string, NamedTensor> = {};
  for (const moment of ["m", "v"] as const)
    for (const [name, data] of Object.entries(optimizer[moment]))
      moments[`${moment}.${name}`] = { shape: policy.parameters[name]!.shape, data };
  return moments;
}

function momentsOf(policy: Policy, tensors: Readonly<Record<string, NamedTensor>>, updates: number, where: string) {
  const take = (moment: "m" | "v"): Weights =>
    Object.fromEntries(
      Object.entries(policy.parameters).map(([name, { shape }]) => {
        const tensor = tensors[`${moment}.${name}`];
        if (!tensor || String(tensor.shape) !== String(shape))
          throw new CheckpointError(`${where}: ${moment}.${name} is missing or has another shape.`);
        return [name, tensor.data];
      }),
    );
  return { updates, m: take("m"), v: take("v") };
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
  const { step, policyVersion, updates, guards, controllers } = state.data;
  const tensors = (name: string) => decodeSafetensors(file(name), `${where}/${name}`);
  const moments = (name: string, count: number) => momentsOf(policy, tensors(name), count, `${where}/${name}`);
  const lastGood = guards?.lastGood;
  return {
    step,
    policyVersion,
    weights: fromHuggingFace(policy.config, tensors("model.safetensors")),
    optimizer: moments("optimizer.safetensors", updates),
    ...(files["reference.safetensors"] && {
      reference: fromHuggingFace(policy.config, tensors("reference.safetensors")),
    }),
    ...(controllers && { controllers }),
    ...(guards && {
      guards: {
        states: guards.states,
        ...(guards.rollbacks && { rollbacks: guards.rollbacks }),
        ...(lastGood && {
          lastGood: {
            step: lastGood.step,
            weights: fromHuggingFace(policy.config, modelPart(tensors("last-good.safetensors"))),
            optimizer: moments("last-good.safetensors", lastGood.updates),
          },
        }),
      },
    }),
  };
}

/** A file's tensors without the optimizer's moments. */
const modelPart = (tensors: Readonly<Record<string, NamedTensor>>): Record<string, NamedTensor> =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !/^[mv]\./.test(name)));

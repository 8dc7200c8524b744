import { z } from "zod";
import { CheckpointError } from "../base/errors.ts";
import type { FileData } from "../base/files.ts";
import { fromHuggingFace, parameterSpecs, toHuggingFace } from "../nn/index.ts";
import type { Policy } from "../policy/policy.ts";
import { decodeSafetensors, encodeSafetensors } from "../policy/safetensors.ts";
import { controllerStatesSchema } from "./controllers/index.ts";
import { criticFile, readCriticFile } from "./critic/critic-files.ts";
import { modelPart, momentsOf, momentTensors } from "./moment-files.ts";
import type { TrainerCheckpoint } from "./types.ts";

const count = z.int().nonnegative();

const stateSchema = z.strictObject({
  step: count,
  policyVersion: count,
  updates: count,
  /** The critic's updates, where there is one; it lies in `critic.safetensors`. */
  criticUpdates: count.optional(),
  /** Absent from checkpoints of versions without guards. */
  guards: z
    .strictObject({
      states: z.record(z.string(), z.strictObject({ recent: z.array(z.number()), streak: z.int().nonnegative() })),
      /** What to go back to; it lies in `last-good.safetensors` and `last-good-critic.safetensors`. */
      lastGood: z.strictObject({ step: count, updates: count, criticUpdates: count.optional() }).optional(),
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
): Promise<Record<string, FileData>> {
  const { step, policyVersion, optimizer, critic, reference, guards, controllers = {} } = checkpoint;
  const { config } = policy;
  const specs = parameterSpecs(config);
  const lastGood = guards?.lastGood;
  const state = {
    step,
    policyVersion,
    updates: optimizer.updates,
    ...(critic && { criticUpdates: critic.optimizer.updates }),
    ...(guards && {
      guards: {
        states: guards.states,
        ...(lastGood && {
          lastGood: {
            step: lastGood.step,
            updates: lastGood.optimizer.updates,
            ...(lastGood.critic && { criticUpdates: lastGood.critic.optimizer.updates }),
          },
        }),
        ...(guards.rollbacks && { rollbacks: guards.rollbacks }),
      },
    }),
    ...(Object.keys(controllers).length > 0 && { controllers }),
  };
  return {
    ...(await policy.files(checkpoint.weights)),
    "optimizer.safetensors": encodeSafetensors(momentTensors(specs, optimizer)),
    ...(critic && { "critic.safetensors": criticFile(config, critic) }),
    ...(reference && { "reference.safetensors": encodeSafetensors(toHuggingFace(config, reference)) }),
    ...(lastGood && {
      "last-good.safetensors": encodeSafetensors({
        ...toHuggingFace(config, lastGood.weights),
        ...momentTensors(specs, lastGood.optimizer),
      }),
    }),
    ...(lastGood?.critic && { "last-good-critic.safetensors": criticFile(config, lastGood.critic) }),
    "trainer.json": `${JSON.stringify(state)}\n`,
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
  const { step, policyVersion, updates, criticUpdates, guards, controllers } = state.data;
  const { config } = policy;
  const tensors = (name: string) => decodeSafetensors(file(name), `${where}/${name}`);
  const moments = (name: string, updates: number) =>
    momentsOf(parameterSpecs(config), tensors(name), updates, `${where}/${name}`);
  const critic = (name: string, updates: number | undefined) =>
    updates === undefined ? {} : { critic: readCriticFile(config, file(name), updates, `${where}/${name}`) };
  const lastGood = guards?.lastGood;
  return {
    step,
    policyVersion,
    weights: fromHuggingFace(config, tensors("model.safetensors")),
    optimizer: moments("optimizer.safetensors", updates),
    ...critic("critic.safetensors", criticUpdates),
    ...(files["reference.safetensors"] && {
      reference: fromHuggingFace(config, tensors("reference.safetensors")),
    }),
    ...(controllers && { controllers }),
    ...(guards && {
      guards: {
        states: guards.states,
        ...(guards.rollbacks && { rollbacks: guards.rollbacks }),
        ...(lastGood && {
          lastGood: {
            step: lastGood.step,
            weights: fromHuggingFace(config, modelPart(tensors("last-good.safetensors"))),
            optimizer: moments("last-good.safetensors", lastGood.updates),
            ...critic("last-good-critic.safetensors", lastGood.criticUpdates),
          },
        }),
      },
    }),
  };
}

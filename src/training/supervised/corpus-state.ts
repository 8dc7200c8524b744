import { z } from "zod";
import { CheckpointError, InvalidInputError } from "../../base/errors.ts";
import { fromHuggingFace, parameterSpecs } from "../../nn/index.ts";
import type { Policy } from "../../policy/policy.ts";
import { decodeSafetensors, encodeSafetensors } from "../../policy/safetensors.ts";
import type { CheckpointFiles } from "../../recording/index.ts";
import type { Betas } from "../adamw.ts";
import { momentsOf, momentTensors } from "../moment-files.ts";
import { PolicyOptimizer } from "../optimizer.ts";

const count = z.int().nonnegative();
const stateSchema = z.strictObject({ step: count, policyVersion: count, updates: count, epoch: count, row: count });

/** What learning from a corpus changes: weights, moments, and how far it has come in the corpus. */
export class CorpusState {
  /** Steps taken. */
  step = 0;
  /** The pass over the corpus under way, from 0, and the row of it that comes next. */
  epoch = 0;
  row = 0;
  readonly #policy: Policy;
  readonly #betas: () => Betas;
  #optimizer: PolicyOptimizer | undefined;
  /** The optimizer's state was given up. */
  #isClosed = false;

  constructor(policy: Policy, betas: () => Betas) {
    this.#policy = policy;
    this.#betas = betas;
  }

  /**
   * The optimizer, with the settings in force.
   *
   * @throws InvalidInputError once it was closed: training on with fresh moments would be another training.
   */
  async optimizer(): Promise<PolicyOptimizer> {
    if (this.#isClosed)
      throw new InvalidInputError(
        `This trainer was closed after step ${this.step}: its optimizer's state is gone.`,
        "Take the run up with its trainer's resume, or go back to a checkpoint with rewind.",
      );
    const betas = this.#betas();
    this.#optimizer ??= await PolicyOptimizer.create(this.#policy, betas);
    this.#optimizer.betas = betas;
    return this.#optimizer;
  }

  /** Frees the moments and programs; the policy stays. */
  async close(): Promise<void> {
    this.#isClosed ||= this.#optimizer !== undefined;
    await this.#optimizer?.close();
    this.#optimizer = undefined;
  }

  /** The state as a checkpoint's files. */
  async files(): Promise<CheckpointFiles> {
    const moments = await (await this.optimizer()).state();
    const { step, epoch, row } = this;
    const state = { step, policyVersion: this.#policy.version, updates: moments.updates, epoch, row };
    return {
      ...(await this.#policy.files()),
      "optimizer.safetensors": encodeSafetensors(momentTensors(parameterSpecs(this.#policy.config), moments)),
      "trainer.json": `${JSON.stringify(state)}\n`,
    };
  }

  /** @throws CheckpointError naming the file or tensor that is missing or damaged; nothing is changed then. */
  async load(files: Readonly<Record<string, Uint8Array>>, where: string): Promise<void> {
    const { config } = this.#policy;
    const file = (name: string): Uint8Array => {
      if (!files[name]) throw new CheckpointError(`${where} has no ${name}.`);
      return files[name];
    };
    const { step, policyVersion, updates, epoch, row } = readState(file("trainer.json"), where);
    const tensors = (name: string) => decodeSafetensors(file(name), `${where}/${name}`);
    const weights = fromHuggingFace(config, tensors("model.safetensors"));
    const name = "optimizer.safetensors";
    const moments = momentsOf(parameterSpecs(config), tensors(name), updates, `${where}/${name}`);
    this.#isClosed = false;
    const optimizer = await this.optimizer();
    await this.#policy.setWeights(weights, policyVersion);
    await optimizer.setState(moments);
    Object.assign(this, { step, epoch, row });
  }
}

function readState(bytes: Uint8Array, where: string): z.infer<typeof stateSchema> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new CheckpointError(`${where}/trainer.json is not JSON.`, undefined, error);
  }
  const state = stateSchema.safeParse(json);
  if (state.success) return state.data;
  throw new CheckpointError(`${where}/trainer.json: ${state.error.issues[0]?.message}.`);
}

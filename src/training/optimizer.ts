import type { EngineBuffer, HostTensor, Program } from "../engine/types.ts";
import { encode } from "../graph/index.ts";
import { buildTrainingStep, type LossFunction } from "../nn/index.ts";
import type { Policy } from "../policy/policy.ts";
import { AdamW, type Betas, freshMoments, type UpdateSettings } from "./adamw.ts";

/** Sequences laid out as rows of one length, with their loss mask. N = rows * length. */
export interface MaskedRows {
  readonly rows: number;
  readonly length: number;
  /** [N] */
  readonly ids: Int32Array;
  /** [N] the token that follows each. */
  readonly targets: Int32Array;
  /** [N] 1 where that token is trained on. */
  readonly mask: Float32Array;
  /** Where a row holds several sequences, one after another: which one a token belongs to, and its place in it; both [N]. */
  readonly packing?: { readonly segments: Int32Array; readonly positions: Int32Array };
}

/** A loss and what tells its programs from those of others. */
export interface NamedLoss {
  readonly name: string;
  readonly loss: LossFunction;
}

export interface StepSettings extends UpdateSettings {
  /** The loss to go down. */
  readonly objective: NamedLoss;
  /** Inputs that the loss declares: arrays of one axis (of length N, as a rule), or scalars. */
  readonly inputs: Readonly<Record<string, Float32Array | number>>;
  /** Logits are divided by it, as they were for sampling. */
  readonly temperature: number;
}

const lengthStep = 16;

/** The length that a program is built for: the next multiple of 16, at most `maxLength`. */
export function lengthBucket(length: number, maxLength: number): number {
  return Math.min(maxLength, Math.ceil(length / lengthStep) * lengthStep);
}

/**
 * Trains a policy's weights in place with AdamW. Forward, backward, clipping and update are one program; there is one
 * program per loss, number of rows and length, loaded on first use.
 */
export class PolicyOptimizer extends AdamW {
  readonly #policy: Policy;
  readonly #programs = new Map<string, Promise<Program>>();

  private constructor(policy: Policy, moments: Readonly<Record<string, EngineBuffer>>, betas: Betas) {
    super(policy.engine, policy.parameters, moments, betas);
    this.#policy = policy;
  }

  /** An optimizer with fresh moments. */
  static async create(policy: Policy, betas: Betas): Promise<PolicyOptimizer> {
    return new PolicyOptimizer(policy, await freshMoments(policy.engine, policy.parameters), betas);
  }

  /**
   * One update.
   *
   * @returns `loss`, `entropy`, `gradNorm`, `skipped` and the loss's own metrics.
   */
  async step(rows: MaskedRows, settings: StepSettings): Promise<Record<string, number>> {
    const { objective, inputs, temperature, ...update } = settings;
    const program = await this.#program(objective, rows);
    const N = rows.rows * rows.length;
    const trained = rows.mask.reduce((sum, value) => sum + value, 0);
    return this.apply(
      program,
      {
        ...lossInputs(inputs),
        ...rowInputs(rows),
        mask: { dtype: "float32", shape: [N], data: rows.mask },
        normalizer: scalar(1 / Math.max(1, trained)),
        inverseTemperature: scalar(1 / temperature),
      },
      update,
    );
  }

  /** Frees the moments and programs. */
  override async close(): Promise<void> {
    await super.close();
    for (const program of this.#programs.values()) await (await program).dispose();
    this.#programs.clear();
  }

  #program({ name, loss }: NamedLoss, rows: MaskedRows): Promise<Program> {
    const { rows: batchSize, length: sequenceLength, packing } = rows;
    const packed = packing !== undefined;
    const key = `${name} ${batchSize}x${sequenceLength}${packed ? " packed" : ""}`;
    let program = this.#programs.get(key);
    if (!program) {
      const graph = buildTrainingStep(this.#policy.config, { batchSize, sequenceLength, packed, loss });
      program = this.#policy.engine.load(encode(graph));
      this.#programs.set(key, program);
    }
    return program;
  }
}

const scalar = (value: number): HostTensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });

/** Inputs of a loss as tensors. */
export function lossInputs(inputs: StepSettings["inputs"]): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === "number"
        ? scalar(value)
        : ({ dtype: "float32", shape: [value.length], data: value } satisfies HostTensor),
    ]),
  );
}

/** Rows as what every program that reads whole sequences takes of them. */
export function rowInputs({ ids, targets, packing }: Omit<MaskedRows, "mask">): Record<string, HostTensor> {
  const tokens = { ids, targets, ...packing };
  return Object.fromEntries(
    Object.entries(tokens).map(([name, data]) => [name, { dtype: "int32", shape: [data.length], data }]),
  );
}

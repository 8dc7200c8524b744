import type { EngineBuffer, HostTensor, Program } from "../engine/types.ts";
import { encode } from "../graph/index.ts";
import { adamwInputs, buildTrainingStep, type LossFunction, parameterSpecs } from "../nn/index.ts";
import type { Policy, Weights } from "../policy/policy.ts";

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
}

/** A loss and what tells its programs from those of others. */
export interface NamedLoss {
  readonly name: string;
  readonly loss: LossFunction;
}

export interface StepSettings {
  /** The loss to go down. */
  readonly objective: NamedLoss;
  /** Inputs that the loss declares: arrays of shape [N], or scalars. */
  readonly inputs: Readonly<Record<string, Float32Array | number>>;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  /** A gradient norm from here on changes nothing. Default: only one that is not finite. */
  readonly gradNormLimit?: number;
  /** Logits are divided by it, as they were for sampling. */
  readonly temperature: number;
}

/** Moments and count of an AdamW run, off the device. */
export interface OptimizerState {
  readonly updates: number;
  readonly m: Weights;
  readonly v: Weights;
}

const lengthStep = 16;

/** The length that a program is built for: the next multiple of 16, at most `maxLength`. */
export function lengthBucket(length: number, maxLength: number): number {
  return Math.min(maxLength, Math.ceil(length / lengthStep) * lengthStep);
}

/** Adam's own settings. */
export interface Betas {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * Trains a policy's weights in place with AdamW. Forward, backward, clipping and update are one program; there is one
 * program per loss, number of rows and length, loaded on first use.
 */
export class PolicyOptimizer {
  readonly #policy: Policy;
  /** Taken anew by each update. */
  betas: Betas;
  readonly #moments: Record<string, EngineBuffer>;
  readonly #programs = new Map<string, Promise<Program>>();
  /** Updates made. */
  #updates = 0;

  private constructor(policy: Policy, betas: Betas, moments: Record<string, EngineBuffer>) {
    this.#policy = policy;
    this.betas = betas;
    this.#moments = moments;
  }

  /** An optimizer with fresh moments. */
  static async create(policy: Policy, betas: Betas): Promise<PolicyOptimizer> {
    const moments: Record<string, EngineBuffer> = {};
    for (const { name: parameter, shape } of parameterSpecs(policy.config))
      for (const moment of ["m", "v"])
        moments[`${moment}.${parameter}`] = await policy.engine.createBuffer({ dtype: "float32", shape });
    return new PolicyOptimizer(policy, betas, moments);
  }

  /**
   * One update.
   *
   * @returns `loss`, `entropy`, `gradNorm`, `skipped` and the loss's own metrics.
   */
  async step(rows: MaskedRows, settings: StepSettings): Promise<Record<string, number>> {
    const { parameters } = this.#policy;
    const program = await this.#program(settings.objective, rows.rows, rows.length);
    const N = rows.rows * rows.length;
    const trained = rows.mask.reduce((sum, value) => sum + value, 0);
    const { learningRate, weightDecay, maxGradNorm, gradNormLimit, temperature } = settings;
    const optimizer = { ...this.betas, learningRate, weightDecay, maxGradNorm, gradNormLimit };
    const hyper = adamwInputs(optimizer, this.#updates + 1);
    const store: Record<string, EngineBuffer> = {};
    for (const name of Object.keys(parameters)) {
      store[`w2.${name}`] = parameters[name]!;
      for (const moment of ["m", "v"]) store[`${moment}2.${name}`] = this.#moments[`${moment}.${name}`]!;
    }
    const scalars = program.graph.outputs.filter(({ name, shape }) => shape.length === 0 && !(name in store));
    const outputs = await program.run({
      inputs: {
        ...parameters,
        ...this.#moments,
        ...hyper,
        ...lossInputs(settings.inputs, N),
        ids: { dtype: "int32", shape: [N], data: rows.ids },
        targets: { dtype: "int32", shape: [N], data: rows.targets },
        mask: { dtype: "float32", shape: [N], data: rows.mask },
        normalizer: scalar(1 / Math.max(1, trained)),
        inverseTemperature: scalar(1 / temperature),
      },
      fetch: scalars.map(({ name }) => name),
      store,
    });
    const metrics = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Number(data[0])]));
    if (!metrics.skipped) this.#updates++;
    return metrics;
  }

  /** Copies the moments off the device. */
  async state(): Promise<OptimizerState> {
    const state: OptimizerState = { updates: this.#updates, m: {}, v: {} };
    for (const [key, buffer] of Object.entries(this.#moments)) {
      const data = (await this.#policy.engine.read(buffer)).data as Float32Array;
      state[key[0] as "m" | "v"][key.slice(2)] = data;
    }
    return state;
  }

  async setState(state: OptimizerState): Promise<void> {
    for (const [key, buffer] of Object.entries(this.#moments))
      await this.#policy.engine.write(buffer, state[key[0] as "m" | "v"][key.slice(2)]!);
    this.#updates = state.updates;
  }

  /** Frees the moments and programs. */
  async close(): Promise<void> {
    await this.#policy.engine.dispose(Object.values(this.#moments));
    for (const program of this.#programs.values()) await (await program).dispose();
    this.#programs.clear();
  }

  #program({ name, loss }: NamedLoss, batchSize: number, sequenceLength: number): Promise<Program> {
    const key = `${name} ${batchSize}x${sequenceLength}`;
    let program = this.#programs.get(key);
    if (!program) {
      const graph = buildTrainingStep(this.#policy.config, { batchSize, sequenceLength, loss });
      program = this.#policy.engine.load(encode(graph));
      this.#programs.set(key, program);
    }
    return program;
  }
}

const scalar = (value: number): HostTensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });

/** Inputs of a loss as tensors. */
export function lossInputs(inputs: StepSettings["inputs"], N: number): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === "number" ? scalar(value) : ({ dtype: "float32", shape: [N], data: value } satisfies HostTensor),
    ]),
  );
}

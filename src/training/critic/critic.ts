import { readBuffers, writeBuffers } from "../../engine/index.ts";
import type { EngineBuffer, HostTensor, Program } from "../../engine/types.ts";
import { encode, type Graph } from "../../graph/index.ts";
import { buildValueStep, buildValues, valueHeadSpecs } from "../../nn/index.ts";
import type { Policy, Weights } from "../../policy/policy.ts";
import { AdamW, type Betas, freshMoments, type OptimizerState } from "../adamw.ts";
import type { TrainingRows, UnscoredRollout } from "../batch.ts";
import { lengthBucket } from "../optimizer.ts";
import { clippedValueLoss } from "./value-loss.ts";

/** Weights and moments, off the device. */
export interface CriticState {
  readonly weights: Weights;
  readonly optimizer: OptimizerState;
}

/** Rows whose values are to learn: `returns` and `oldValues` stand where the mask is 1. */
export interface ValueRows extends Pick<TrainingRows, "rows" | "length" | "ids" | "mask"> {
  /** [N] what the value should have been. */
  readonly returns: Float32Array;
  /** [N] what it was when the batch was scored. */
  readonly oldValues: Float32Array;
}

export interface ValueStepSettings {
  /** How far a value may leave its old one in the loss. */
  readonly valueClip: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  /** A gradient norm from here on changes nothing; 0: none changes anything. Default: only one that is not finite. */
  readonly gradNormLimit?: number | undefined;
}

/** Most rollouts that are valued at once. */
const chunk = 64;

/**
 * Says what reward is still to come, before each token: a value model of the policy's architecture, which begins with a copy
 * of its weights and a head of zeros, and an AdamW of its own.
 */
export class Critic {
  readonly optimizer: AdamW;
  readonly #policy: Policy;
  readonly #parameters: Readonly<Record<string, EngineBuffer>>;
  readonly #programs = new Map<string, Promise<Program>>();

  private constructor(policy: Policy, parameters: Readonly<Record<string, EngineBuffer>>, optimizer: AdamW) {
    this.#policy = policy;
    this.#parameters = parameters;
    this.optimizer = optimizer;
  }

  /** A critic that sees what a policy sees now, and expects nothing yet. */
  static async fromPolicy(policy: Policy, betas: Betas): Promise<Critic> {
    const { engine } = policy;
    const parameters: Record<string, EngineBuffer> = {};
    for (const [name, buffer] of Object.entries(policy.parameters)) parameters[name] = await engine.clone(buffer);
    for (const { name, shape } of valueHeadSpecs(policy.config))
      parameters[name] = await engine.createBuffer({ dtype: "float32", shape });
    return new Critic(policy, parameters, new AdamW(engine, parameters, await freshMoments(engine, parameters), betas));
  }

  /** The rollouts with the value before each of their tokens; 0 for the first, which nothing comes before, and beyond all positions. */
  async annotate<R extends UnscoredRollout>(rollouts: readonly R[]): Promise<R[]> {
    const annotated: R[] = [];
    for (let start = 0; start < rollouts.length; start += chunk) {
      const part = rollouts.slice(start, start + chunk);
      // Powers of two: batches of changing size share a few programs.
      const rows = 2 ** Math.ceil(Math.log2(part.length));
      const longest = Math.max(...part.map(({ trajectory }) => trajectory.length));
      const length = lengthBucket(longest, this.#policy.config.maxLength);
      const ids = new Int32Array(rows * length).fill(this.#policy.tokenizer.padId);
      part.forEach(({ trajectory }, row) => {
        ids.set(trajectory.ids.slice(0, length), row * length);
      });
      const program = await this.#program("values", rows, length);
      const inputs = { ...this.#parameters, ids: tensor("int32", ids) };
      const values = (await program.run({ inputs, fetch: ["values"] })).values!.data as Float32Array;
      part.forEach((rollout, row) => {
        const own = new Float32Array(rollout.trajectory.length);
        own.set(values.subarray(row * length, row * length + Math.min(own.length - 1, length)), 1);
        annotated.push({ ...rollout, values: own });
      });
    }
    return annotated;
  }

  /**
   * One update.
   *
   * @returns `loss`, `clipFraction`, `gradNorm` and `skipped`.
   */
  async step(rows: ValueRows, settings: ValueStepSettings): Promise<Record<string, number>> {
    const { valueClip, ...update } = settings;
    const program = await this.#program("step", rows.rows, rows.length);
    const trained = rows.mask.reduce((sum, value) => sum + value, 0);
    return this.optimizer.apply(
      program,
      {
        ids: tensor("int32", rows.ids),
        mask: tensor("float32", rows.mask),
        returns: tensor("float32", rows.returns),
        oldValues: tensor("float32", rows.oldValues),
        normalizer: scalar(1 / Math.max(1, trained)),
        valueClip: scalar(valueClip),
      },
      update,
    );
  }

  /** Copies weights and moments off the device. */
  async state(): Promise<CriticState> {
    const weights = await readBuffers(this.#policy.engine, this.#parameters);
    return { weights, optimizer: await this.optimizer.state() };
  }

  async setState({ weights, optimizer }: CriticState): Promise<void> {
    await writeBuffers(this.#policy.engine, this.#parameters, weights);
    await this.optimizer.setState(optimizer);
  }

  /** Frees weights, moments and programs. */
  async close(): Promise<void> {
    await this.optimizer.close();
    await this.#policy.engine.dispose(Object.values(this.#parameters));
    for (const program of this.#programs.values()) await (await program).dispose();
    this.#programs.clear();
  }

  #program(kind: keyof typeof builders, batchSize: number, sequenceLength: number): Promise<Program> {
    const key = `${kind} ${batchSize}x${sequenceLength}`;
    let program = this.#programs.get(key);
    if (!program) {
      const { config, engine } = this.#policy;
      program = engine.load(encode(builders[kind](config, { batchSize, sequenceLength })));
      this.#programs.set(key, program);
    }
    return program;
  }
}

const builders = {
  values: buildValues,
  step: (config: Policy["config"], shape: Parameters<typeof buildValues>[1]): Graph =>
    buildValueStep(config, { ...shape, loss: clippedValueLoss }),
} as const;

const tensor = (dtype: "int32" | "float32", data: Int32Array | Float32Array): HostTensor => ({
  dtype,
  shape: [data.length],
  data,
});

const scalar = (value: number): HostTensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });

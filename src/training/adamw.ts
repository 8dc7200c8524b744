import { readBuffers, writeBuffers } from "../engine/index.ts";
import type { EngineApi, EngineBuffer, HostTensor, Program } from "../engine/types.ts";
import { type AdamWOptions, adamwInputs } from "../nn/index.ts";
import type { Weights } from "../policy/policy.ts";

/** Moments and count of an AdamW run, off the device. */
export interface OptimizerState {
  readonly updates: number;
  readonly m: Weights;
  readonly v: Weights;
}

/** Adam's own settings. */
export type Betas = Pick<AdamWOptions, "beta1" | "beta2" | "epsilon">;

/** Settings of one update. `gradNormLimit`: a gradient norm from here on changes nothing. */
export type UpdateSettings = Pick<AdamWOptions, "learningRate" | "weightDecay" | "maxGradNorm" | "gradNormLimit">;

type Buffers = Readonly<Record<string, EngineBuffer>>;

/** Moments of 0 for these weights. */
export async function freshMoments(engine: EngineApi, parameters: Buffers): Promise<Buffers> {
  const moments: Record<string, EngineBuffer> = {};
  for (const [name, { shape }] of Object.entries(parameters))
    for (const moment of ["m", "v"])
      moments[`${moment}.${name}`] = await engine.createBuffer({ dtype: "float32", shape });
  return moments;
}

/** Trains weights on a device, in place, by programs that hold AdamW (`appendAdamW`): keeps the moments and their count. */
export class AdamW {
  /** Taken anew by each update. */
  betas: Betas;
  readonly #engine: EngineApi;
  readonly #parameters: Buffers;
  readonly #moments: Buffers;
  /** Updates made. */
  #updates = 0;

  constructor(engine: EngineApi, parameters: Buffers, moments: Buffers, betas: Betas) {
    this.#engine = engine;
    this.#parameters = parameters;
    this.#moments = moments;
    this.betas = betas;
  }

  /**
   * One update: runs the program on the weights, the moments and `inputs`, and puts what comes out in their place.
   *
   * @returns the program's scalar outputs, `gradNorm` and `skipped` among them.
   */
  async apply(
    program: Program,
    inputs: Readonly<Record<string, HostTensor>>,
    settings: UpdateSettings,
  ): Promise<Record<string, number>> {
    const store: Record<string, EngineBuffer> = {};
    for (const [name, buffer] of Object.entries(this.#parameters)) {
      store[`w2.${name}`] = buffer;
      for (const moment of ["m", "v"]) store[`${moment}2.${name}`] = this.#moments[`${moment}.${name}`]!;
    }
    const scalars = program.graph.outputs.filter(({ name, shape }) => shape.length === 0 && !(name in store));
    const outputs = await program.run({
      inputs: {
        ...this.#parameters,
        ...this.#moments,
        ...adamwInputs({ ...this.betas, ...settings }, this.#updates + 1),
        ...inputs,
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
    for (const [key, data] of Object.entries(await readBuffers(this.#engine, this.#moments)))
      state[key[0] as "m" | "v"][key.slice(2)] = data;
    return state;
  }

  async setState(state: OptimizerState): Promise<void> {
    const moment = (key: string) => [key, state[key[0] as "m" | "v"][key.slice(2)]!] as const;
    await writeBuffers(this.#engine, this.#moments, Object.fromEntries(Object.keys(this.#moments).map(moment)));
    this.#updates = state.updates;
  }

  /** Frees the moments; the weights stay. */
  async close(): Promise<void> {
    await this.#engine.dispose(Object.values(this.#moments));
  }
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabContext } from "../base/context.ts";
import { CheckpointError, InvalidInputError } from "../base/errors.ts";
import { type FileData, writeFileAtomic } from "../base/files.ts";
import { displaySymbol } from "../display/host.ts";
import { engineFor, readBuffers, writeBuffers } from "../engine/index.ts";
import type { EngineApi, EngineBuffer, Program } from "../engine/types.ts";
import { encode } from "../graph/index.ts";
import {
  buildDecode,
  type DecoderConfig,
  fromHuggingFace,
  initialise,
  parameterSpecs,
  toHuggingFace,
} from "../nn/index.ts";
import { configFromJSON, configToJSON } from "./hf-config.ts";
import { policyTable } from "./policy-display.ts";
import { presets } from "./presets.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { Tokenizer } from "./tokenizer.ts";

/** Weights by parameter name, in the caller's memory. */
export type Weights = Record<string, Float32Array>;

/**
 * A language-model policy: a decoder transformer with its tokenizer. Its weights live on the engine's device; whoever
 * trains them updates them in place and raises `version`.
 *
 * @example
 * const policy = await Policy.create("tiny-math", { lab });
 * await policy.save("checkpoints/start");
 * const again = await Policy.load("checkpoints/start", { lab });
 */
export class Policy {
  /** What it was made from: a preset's name or a folder. */
  readonly name: string;
  readonly lab: LabContext;
  readonly engine: EngineApi;
  readonly config: DecoderConfig;
  readonly tokenizer: Tokenizer;
  readonly parameters: Readonly<Record<string, EngineBuffer>>;
  /** Number of optimizer steps that the weights have seen. */
  version = 0;
  readonly #decodePrograms = new Map<number, Promise<Program>>();

  private constructor(
    name: string,
    lab: LabContext,
    engine: EngineApi,
    config: DecoderConfig,
    tokenizer: Tokenizer,
    parameters: Record<string, EngineBuffer>,
  ) {
    this.name = name;
    this.lab = lab;
    this.engine = engine;
    this.config = config;
    this.tokenizer = tokenizer;
    this.parameters = parameters;
  }

  /**
   * A policy with fresh weights, drawn from the lab's `init` stream.
   *
   * @param preset `"tiny-math"`: a Qwen2-style decoder of about 0.35 million parameters for the tutorials' tasks.
   * @throws InvalidInputError for an unknown preset.
   */
  static async create(preset: string, { lab }: { lab: LabContext }): Promise<Policy> {
    const make = presets[preset];
    if (!make)
      throw new InvalidInputError(
        `Unknown policy ${JSON.stringify(preset)}.`,
        `Known: ${Object.keys(presets).join(", ")}.`,
      );
    const { config, tokenizer } = make();
    return Policy.fromWeights(preset, lab, config, tokenizer, initialise(config, lab.random("init")));
  }

  /**
   * Loads a checkpoint folder in Hugging Face's layout: config.json, tokenizer.json, model.safetensors.
   *
   * @param options `name`: what to call it. Default: the folder.
   * @throws CheckpointError naming the file, and the tensor that is missing or of a wrong shape; nothing is loaded.
   */
  static async load(folder: string, { lab, name = folder }: { lab: LabContext; name?: string }): Promise<Policy> {
    const config = configFromJSON(await readJSON(folder, "config.json"), join(folder, "config.json"));
    const tokenizer = Tokenizer.fromJSON(await readJSON(folder, "tokenizer.json"));
    if (tokenizer.vocabSize > config.vocabSize)
      throw new CheckpointError(
        `${folder}: the tokenizer has ${tokenizer.vocabSize} tokens but the model's vocabulary ${config.vocabSize}.`,
      );
    const file = join(folder, "model.safetensors");
    const weights = fromHuggingFace(config, decodeSafetensors(await readBytes(file), file));
    return Policy.fromWeights(name, lab, config, tokenizer, weights);
  }

  /** A policy over given weights. */
  static async fromWeights(
    name: string,
    lab: LabContext,
    config: DecoderConfig,
    tokenizer: Tokenizer,
    weights: Weights,
  ): Promise<Policy> {
    const engine = await engineFor(lab);
    const parameters: Record<string, EngineBuffer> = {};
    for (const { name: parameter, shape } of parameterSpecs(config))
      parameters[parameter] = await engine.createBuffer({ dtype: "float32", shape }, weights[parameter]);
    return new Policy(name, lab, engine, config, tokenizer, parameters);
  }

  /** How many weights there are. */
  get parameterCount(): number {
    return parameterSpecs(this.config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  }

  /** Copies the weights off the device. */
  weights(): Promise<Weights> {
    return readBuffers(this.engine, this.parameters);
  }

  /** Replaces the weights; `version` says how many optimizer steps they have seen. */
  async setWeights(weights: Weights, version: number): Promise<void> {
    await writeBuffers(this.engine, this.parameters, weights);
    this.version = version;
  }

  /** An independent copy with the same weights: a reference, or a branch to train on. */
  async clone(): Promise<Policy> {
    const copy = await Policy.fromWeights(this.name, this.lab, this.config, this.tokenizer, await this.weights());
    copy.version = this.version;
    return copy;
  }

  /**
   * The checkpoint's files in Hugging Face's layout: model.safetensors, config.json, tokenizer.json, tokenizer_config.json.
   *
   * @param weights those of the policy, where the caller has a copy of them already.
   */
  async files(weights?: Weights): Promise<Record<string, FileData>> {
    const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
    return {
      "model.safetensors": encodeSafetensors(toHuggingFace(this.config, weights ?? (await this.weights()))),
      "tokenizer.json": json(this.tokenizer.toJSON()),
      "tokenizer_config.json": json(this.tokenizer.configJSON()),
      "config.json": json(configToJSON(this.config, this.tokenizer)),
    };
  }

  /**
   * Saves the policy as a folder that `load` and Hugging Face's transformers read. Every file is written whole or not at
   * all; config.json, without which nothing loads, comes last.
   */
  async save(folder: string): Promise<void> {
    for (const [name, data] of Object.entries(await this.files())) await writeFileAtomic(join(folder, name), data);
  }

  [displaySymbol](): unknown {
    return policyTable(this)[displaySymbol]();
  }

  /** The decode program for this many rows; built and loaded on first use. */
  decodeProgram(rows: number): Promise<Program> {
    let program = this.#decodePrograms.get(rows);
    if (!program) {
      program = this.engine.load(
        encode(buildDecode(this.config, { slots: rows, threads: Math.max(4, this.engine.report.threads) })),
      );
      this.#decodePrograms.set(rows, program);
    }
    return program;
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CheckpointError(
      `${path} cannot be read.`,
      "A checkpoint is a folder with config.json, tokenizer.json and model.safetensors.",
      error,
    );
  }
}

async function readJSON(folder: string, file: string): Promise<unknown> {
  const path = join(folder, file);
  const bytes = await readBytes(path);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CheckpointError(`${path} is not JSON.`, undefined, error);
  }
}

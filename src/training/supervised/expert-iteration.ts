/**
 * Expert iteration on a policy's own right answers: STaR (Zelikman et al. 2022, arXiv:2203.14465) and ReST-EM (Singh et al.
 * 2023, arXiv:2312.06585). A round:
 *
 *   1. collect `numGenerations` rollouts of each prompt with the current policy   (E step)
 *   2. keep the right ones, each once, at most `maxPerPrompt` of a prompt
 *   3. fine-tune on them for `epochs`, beginning from the base policy or the current one, with fresh moments   (M step)
 *
 * Both papers fine-tune the base policy anew in each round (`from: "base"`, the default). We differ from STaR in that
 * there is no rationalisation (no second try with the answer as a hint), and in sampling several answers instead of one
 * greedy one, as ReST-EM does; from ReST-EM in that the M step has a fixed number of epochs, no early stopping.
 */

import { z } from "zod";
import type { LabContext } from "../../base/context.ts";
import { CheckpointError, InterruptedError, InvalidInputError } from "../../base/errors.ts";
import { queue } from "../../base/in-turn.ts";
import { parseInput } from "../../base/schema.ts";
import { fromHuggingFace, toHuggingFace } from "../../nn/index.ts";
import type { Policy, Weights } from "../../policy/policy.ts";
import { decodeSafetensors, encodeSafetensors } from "../../policy/safetensors.ts";
import { type CheckpointFiles, Run } from "../../recording/index.ts";
import { explainMetric, type MetricExplanation } from "../explain.ts";
import { figuresOf, type Learner } from "../learner.ts";
import { rolloutMetrics } from "../metrics.ts";
import { bringTo, refuseWhileBusy } from "../rewind.ts";
import { rolloutRecords } from "../rollout-records.ts";
import { RunHandle } from "../run-handle.ts";
import type { TrainOptions } from "../train-options.ts";
import { TrainRun } from "../train-run.ts";
import {
  type ExpertIterationConfig,
  type ExpertIterationRound,
  type ExpertIterationSettings,
  expertIterationSchema,
  expertIterationView,
  nothingKept,
} from "./expert-iteration-round.ts";
import { expertIterationGlossary } from "./glossary.ts";
import { type RejectionParts, type Selection, sampleAndSelect } from "./rejection-sampling.ts";
import { createSupervisedRun, type ResumeSupervisedOptions, resumeSupervisedRun } from "./run-folder.ts";
import { SftTrainer } from "./sft-trainer.ts";

export interface ExpertIterationOptions extends ExpertIterationSettings, RejectionParts {}

const stateSchema = z.strictObject({ step: z.int().nonnegative(), policyVersion: z.int().nonnegative() });

/**
 * Trains a policy in place, round by round, on its own right answers. A step is a round.
 *
 * @example
 * const iteration = new ExpertIteration({ lab, policy, interpreter: python, taskset, promptsPerStep: 128 });
 * for await (const { metrics } of iteration.train(3)) console.log(metrics.accuracy, metrics.kept);
 */
export class ExpertIteration implements Learner<ExpertIterationRound> {
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly view = expertIterationView;
  readonly #parts: RejectionParts;
  #config: ExpertIterationConfig;
  #base: Weights | undefined;
  #step = 0;
  #run: Run | undefined;
  #last: Pick<ExpertIterationRound, "metrics"> | undefined;
  /** Work on the state goes one after the other. */
  readonly #inTurn = queue();

  /** @throws InvalidInputError naming every setting that is unknown or out of range. */
  constructor(options: ExpertIterationOptions) {
    const { lab, policy, interpreter, taskset, reward, ...settings } = options;
    for (const [name, value] of Object.entries({ lab, policy, interpreter, taskset }))
      if (value === undefined) throw new InvalidInputError(`Expert iteration needs ${name}.`);
    this.lab = lab;
    this.policy = policy;
    this.#parts = { lab, policy, interpreter, taskset, reward };
    this.#config = this.#checked(settings);
  }

  get title(): string {
    return `Expert iteration of ${this.policy.name} on ${this.#parts.taskset.name}`;
  }

  /** Rounds done. */
  get step(): number {
    return this.#step;
  }

  get version(): number {
    return this.policy.version;
  }

  /** The settings in force. Assigning one checks it and takes effect with the next round. */
  get config(): ExpertIterationConfig {
    return new Proxy(this.#config, {
      set: (_, name, value) => {
        this.configure({ [name]: value });
        return true;
      },
    });
  }

  configure(changes: Readonly<Record<string, unknown>>): void {
    this.#config = this.#checked({ ...this.#config, ...changes });
  }

  /** Goes on for so many rounds. Iterate over it, or await `done()`; interrupting leaves the last whole round. */
  train(rounds: number, options: TrainOptions = {}): TrainRun<ExpertIterationRound> {
    return new TrainRun<ExpertIterationRound>(this, rounds, options);
  }

  /** The same beside the cells: returns at once. */
  start(rounds: number, options: TrainOptions = {}): RunHandle<ExpertIterationRound, ExpertIterationSettings> {
    return new RunHandle<ExpertIterationRound, ExpertIterationSettings>(this, rounds, options);
  }

  /** A metric explained: what it measures, what a healthy run shows, what to do; with its value in the last round. */
  explain(metric: string): MetricExplanation {
    return explainMetric(metric, this.#last && figuresOf(this.#last)[metric], expertIterationGlossary);
  }

  /** One round. */
  trainStep(): Promise<ExpertIterationRound> {
    return this.#inTurn(() => this.#round());
  }

  save(): Promise<{ step: number; files: CheckpointFiles }> {
    return this.#inTurn(async () => {
      const { policy } = this;
      const state = { step: this.#step, policyVersion: policy.version };
      const base = toHuggingFace(policy.config, await this.#baseWeights());
      const files = {
        ...(await policy.files()),
        "base.safetensors": encodeSafetensors(base),
        "trainer.json": `${JSON.stringify(state)}\n`,
      };
      return { step: this.#step, files };
    });
  }

  load(files: Readonly<Record<string, Uint8Array>>, where: string): Promise<void> {
    return this.#inTurn(async () => {
      const weights = (name: string): Weights => {
        if (!files[name]) throw new CheckpointError(`${where} has no ${name}.`);
        return fromHuggingFace(this.policy.config, decodeSafetensors(files[name], `${where}/${name}`));
      };
      const [current, base] = [weights("model.safetensors"), weights("base.safetensors")];
      const text = files["trainer.json"] && new TextDecoder().decode(files["trainer.json"]);
      if (!text) throw new CheckpointError(`${where} has no trainer.json.`);
      const { step, policyVersion } = parseInput(stateSchema, JSON.parse(text), `${where}/trainer.json`);
      await this.policy.setWeights(current, policyVersion);
      this.#base = base;
      this.#step = step;
    });
  }

  async openRun(folder: string | Run): Promise<Run> {
    if (folder instanceof Run) this.#run = folder;
    const { interpreter, taskset, reward } = this.#parts;
    const parts = {
      interpreter: { description: interpreter.description },
      taskset: { name: taskset.name, families: [...taskset.families] },
      ...(reward && { reward: { name: reward.name } }),
    };
    const { lab, policy } = this;
    const described = { kind: "expert-iteration", lab, policy, config: { ...this.#config }, parts } as const;
    this.#run ??= await createSupervisedRun(described, folder as string);
    return this.#run;
  }

  /** A round's rollouts; `kept` marks those that were learnt from. */
  records({ batch: { batch, kept } }: ExpertIterationRound): readonly unknown[] {
    const places = new Set(kept.map(({ group, sample }) => `${group}/${sample}`));
    return rolloutRecords(batch).map((record) => ({ ...record, kept: places.has(`${record.group}/${record.sample}`) }));
  }

  /** Goes back to the state after a round. */
  async rewind(step: number): Promise<void> {
    refuseWhileBusy(this, "Rewinding");
    if (!this.#run) throw new CheckpointError(`There is no way back to round ${step}: the training is not recorded.`);
    await bringTo(this, this.#run, step);
  }

  /**
   * Goes on with a recorded run. What the rollouts are made of must be given: interpreter, task set and, where it was not
   * the usual one, the reward.
   */
  static resume(
    folder: string,
    { interpreter, taskset, reward, ...options }: ResumeSupervisedOptions & Omit<RejectionParts, "lab" | "policy">,
  ): Promise<ExpertIteration> {
    return resumeSupervisedRun(
      folder,
      "expert-iteration",
      options,
      async ({ lab, policy }, settings) =>
        new ExpertIteration({ ...settings, lab, policy, interpreter, taskset, reward }),
    );
  }

  #checked(settings: unknown): ExpertIterationConfig {
    const config = parseInput(expertIterationSchema, settings, "expert iteration settings");
    const positions = this.policy.config.maxLength;
    for (const [name, length] of Object.entries({ maxLength: config.maxLength, "sft.maxLength": config.sft.maxLength }))
      if (length !== undefined && length > positions)
        throw new InvalidInputError(`${name} (${length}) is more than the policy's ${positions} positions.`);
    return config;
  }

  async #baseWeights(): Promise<Weights> {
    this.#base ??= await this.policy.weights();
    return this.#base;
  }

  async #round(): Promise<ExpertIterationRound> {
    const { policy } = this;
    const { sft, from, epochs, checkpointEvery: _, checkpoints: __, ...collection } = this.#config;
    const started = performance.now();
    const base = await this.#baseWeights();
    const selection = await sampleAndSelect(this.#parts, collection, this.#step);
    const collected = performance.now();
    const { batch, kept, coverage, duplicates, surplus } = selection;
    const { version } = policy;
    const before = await policy.weights();
    let losses: readonly number[] = [];
    if (kept.length)
      try {
        if (from === "base") await policy.setWeights(base, version);
        losses = await this.#fineTune(kept, sft, epochs);
      } catch (error) {
        // Half a round would be neither policy.
        await policy.setWeights(before, version);
        throw error;
      }
    this.#step++;
    const counts = { kept: kept.length, coverage, duplicates, surplus, steps: losses.length };
    const loss = losses.at(-1);
    const metrics = { ...rolloutMetrics(batch), ...counts, ...(loss !== undefined && { loss }) };
    this.#last = { metrics };
    return {
      step: this.#step,
      metrics,
      alerts: kept.length ? [] : [nothingKept(this.#step)],
      seconds: { collect: (collected - started) / 1000, update: (performance.now() - collected) / 1000 },
      batch: selection,
    };
  }

  /** Losses of the steps. */
  async #fineTune(
    data: Selection["kept"],
    settings: ExpertIterationConfig["sft"],
    epochs: number,
  ): Promise<readonly number[]> {
    const { lab, policy } = this;
    const trainer = new SftTrainer({ ...settings, lab, policy, data, validation: [], evaluateEvery: 0 });
    const losses: number[] = [];
    try {
      for (const count = trainer.stepsFor(epochs); losses.length < count; ) {
        if (lab.signal()?.aborted)
          throw new InterruptedError(`Round ${this.#step + 1} was interrupted; nothing of it was kept.`);
        losses.push((await trainer.trainStep()).metrics.loss);
      }
    } finally {
      await trainer.close();
    }
    return losses;
  }
}

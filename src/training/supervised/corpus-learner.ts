import type { LabContext } from "../../base/context.ts";
import { CheckpointError, InvalidInputError } from "../../base/errors.ts";
import { queue } from "../../base/in-turn.ts";
import { displaySymbol } from "../../display/host.ts";
import { type MimeBundle, shield, table } from "../../display/index.ts";
import type { Policy } from "../../policy/policy.ts";
import { type CheckpointFiles, Run } from "../../recording/index.ts";
import { explainMetric, type MetricExplanation } from "../explain.ts";
import type { Alert } from "../guards/types.ts";
import { figuresOf, type Learner, type LearnerStep, type LearnerView } from "../learner.ts";
import type { MetricEntry } from "../metric-glossary.ts";
import type { PolicyOptimizer } from "../optimizer.ts";
import { bringTo, refuseWhileBusy } from "../rewind.ts";
import { RunHandle } from "../run-handle.ts";
import type { TrainOptions } from "../train-options.ts";
import { TrainRun } from "../train-run.ts";
import { CorpusState } from "./corpus-state.ts";
import { createSupervisedRun, type SupervisedKind } from "./run-folder.ts";
import { type CorpusConfig, type Rates, ratesAt } from "./settings.ts";

/** Figures that every step over a corpus has. */
export interface CorpusMetrics {
  readonly loss: number;
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  /** Entropy of the policy over trained tokens, in nats. */
  readonly entropy: number;
  readonly learningRate: number;
  /** Passes over the corpus so far. */
  readonly epoch: number;
  /** Trained tokens. */
  readonly tokens: number;
  /** 1 where the gradient was not finite and nothing was changed. */
  readonly skipped: number;
}

/** One step over a corpus. What was held back is measured every `evaluateEvery` steps. */
export interface CorpusStep<M> extends LearnerStep {
  readonly metrics: Readonly<M & CorpusMetrics>;
  readonly seconds: { readonly update: number; readonly evaluate: number };
}

/** What a learner does with its corpus. */
export interface CorpusTask<C extends CorpusConfig, M> {
  readonly kind: SupervisedKind;
  /** What is learnt from, in words: `512 samples`. */
  readonly subject: string;
  readonly view: LearnerView;
  /** Its metrics explained. */
  readonly glossary: Readonly<Record<string, MetricEntry>>;
  /** How many samples or pairs there are. */
  readonly size: number;
  /** Settings that say what the corpus is: they hold from the beginning to the end. */
  readonly fixed: readonly (keyof C & string)[];
  /** @throws InvalidInputError naming every setting that is unknown or out of range. */
  check(settings: unknown): C;
  /** Puts items, by their places in the corpus, into rows of a program. */
  rows(order: readonly number[], config: C): readonly (readonly number[])[];
  /** Rows that a step takes. */
  rowsPerStep(config: C): number;
  /** One update on some rows. */
  update(
    rows: readonly (readonly number[])[],
    optimizer: PolicyOptimizer,
    config: C,
    rates: Rates,
  ): Promise<M & Omit<CorpusMetrics, "learningRate" | "epoch">>;
  /** Figures of what was held back; nothing where nothing was. */
  evaluate(config: C): Promise<Record<string, number>>;
  /** The corpus as files of the run's folder, by name. */
  files(): Record<string, string>;
  /** Frees what was loaded. */
  close(): Promise<void>;
}

/** How long a learner goes on: steps, or to the end of so many passes; the one under way counts as the first. */
export type Amount = number | { readonly epochs: number };

/**
 * Learning from a fixed corpus, step by step: the same life cycle, recording and display as reinforcement learning has.
 * Each epoch's order is drawn from the seed, so that a resumed run sees what it would have seen.
 */
export class CorpusLearner<C extends CorpusConfig, Settings, M> implements Learner<CorpusStep<M>> {
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly #task: CorpusTask<C, M>;
  readonly #state: CorpusState;
  #config: C;
  #run: Run | undefined;
  #last: CorpusStep<M> | undefined;
  /** Work on the state goes one after the other. */
  readonly #inTurn = queue();
  /** Rows of the epoch that was looked at last. */
  #epoch: { readonly number: number; readonly rows: readonly (readonly number[])[] } | undefined;

  constructor(lab: LabContext, policy: Policy, task: CorpusTask<C, M>, settings: unknown) {
    this.lab = lab;
    this.policy = policy;
    this.#task = task;
    this.#config = task.check(settings);
    this.#state = new CorpusState(policy, () => {
      const { beta1, beta2, adamEpsilon: epsilon } = this.#config;
      return { beta1, beta2, epsilon };
    });
  }

  get title(): string {
    return `${this.#task.kind.toUpperCase()} of ${this.policy.name} on ${this.#task.subject}`;
  }

  get view(): LearnerView {
    return this.#task.view;
  }

  /** Steps taken. */
  get step(): number {
    return this.#state.step;
  }

  /** Changes that the policy's weights have seen. */
  get version(): number {
    return this.policy.version;
  }

  /** The settings in force. Assigning one checks it and takes effect with the next step. */
  get config(): C {
    return new Proxy(this.#config, {
      set: (_, name, value) => {
        this.configure({ [name]: value });
        return true;
      },
    });
  }

  /**
   * Changes several settings at once, from the next step on.
   *
   * @throws InvalidInputError naming every setting that is unknown or out of range, or that says what the corpus is; none
   * is changed then.
   */
  configure(changes: Readonly<Record<string, unknown>>): void {
    const config = this.#task.check({ ...this.#config, ...changes });
    for (const name of this.#task.fixed)
      if (config[name] !== this.#config[name])
        throw new InvalidInputError(
          `${name} decides what the corpus is and cannot change on the way (it is ${String(this.#config[name])}).`,
          "Make another trainer with it.",
        );
    this.#config = config;
  }

  /** Steps to the end of so many epochs from here; the one under way counts as the first. */
  stepsFor(epochs: number): number {
    if (!Number.isInteger(epochs) || epochs < 1)
      throw new InvalidInputError(`Epochs are whole numbers of at least 1, was ${epochs}.`);
    const { epoch, row } = this.#state;
    const size = this.#task.rowsPerStep(this.#config);
    let steps = 0;
    for (let number = epoch; number < epoch + epochs; number++)
      steps += Math.ceil((this.#rows(number).length - (number === epoch ? row : 0)) / size);
    return steps;
  }

  /**
   * Trains for so many steps, or `{ epochs }`. Iterate over it, or await `done()`; interrupting leaves the last whole step,
   * and calling `train` again goes on from there.
   */
  train(amount: Amount, options: TrainOptions = {}): TrainRun<CorpusStep<M>> {
    return new TrainRun<CorpusStep<M>>(this, this.#count(amount), options);
  }

  /** Trains beside the cells: returns at once. The panel stays under this cell. */
  start(amount: Amount, options: TrainOptions = {}): RunHandle<CorpusStep<M>, Settings> {
    return new RunHandle<CorpusStep<M>, Settings>(this, this.#count(amount), options);
  }

  /** One step: an update on the rows that come next. */
  trainStep(): Promise<CorpusStep<M>> {
    return this.#inTurn(() => this.#trainStep());
  }

  /** Figures of what was held back under the present weights; an empty object where nothing was. */
  evaluate(): Promise<Record<string, number>> {
    return this.#inTurn(() => this.#task.evaluate(this.#config));
  }

  /** A metric explained: what it measures, what a healthy run shows, what to do; with its value in the last step. */
  explain(metric: string): MetricExplanation {
    return explainMetric(metric, this.#last && figuresOf(this.#last)[metric], this.#task.glossary);
  }

  /** The whole state as the files of a checkpoint. */
  save(): Promise<{ step: number; files: CheckpointFiles }> {
    return this.#inTurn(async () => ({ step: this.step, files: await this.#state.files() }));
  }

  /** Takes up a saved state. */
  load(files: Readonly<Record<string, Uint8Array>>, where: string): Promise<void> {
    return this.#inTurn(() => this.#state.load(files, where));
  }

  /** The recorded run of this learner's steps: one that exists, or a new one in `folder` on first use. */
  async openRun(folder: string | Run): Promise<Run> {
    if (folder instanceof Run) this.#run = folder;
    const { lab, policy } = this;
    const { kind } = this.#task;
    const described = { kind, lab, policy, config: { ...this.#config }, files: this.#task.files() };
    this.#run ??= await createSupervisedRun(described, folder as string);
    return this.#run;
  }

  /**
   * Goes back to the state after `step`: the nearest checkpoint at or before it, then the steps from there again.
   *
   * @throws CheckpointError when there is no way to that step.
   */
  async rewind(step: number): Promise<void> {
    refuseWhileBusy(this, "Rewinding");
    if (!this.#run) throw new CheckpointError(`There is no way back to step ${step}: the training is not recorded.`);
    await bringTo(this, this.#run, step);
  }

  /** Frees the optimizer's state and programs; the policy stays. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#state.close();
      await this.#task.close();
    });
  }

  [displaySymbol](): MimeBundle {
    const rows = Object.entries(this.#config).map(([setting, value]) => ({
      setting,
      value: typeof value === "object" ? JSON.stringify(value) : String(value),
    }));
    return table(rows, { caption: `${this.title}, at step ${this.step}` })[displaySymbol]();
  }

  async #trainStep(): Promise<CorpusStep<M>> {
    const started = performance.now();
    const state = this.#state;
    const config = this.#config;
    const rates = ratesAt(config, state.step);
    const rows = this.#rows(state.epoch);
    const size = this.#task.rowsPerStep(config);
    const optimizer = await state.optimizer();
    const figures = await shield(async () => {
      const taken = rows.slice(state.row, state.row + size);
      const outcome = await this.#task.update(taken, optimizer, config, rates);
      this.policy.version++;
      state.step++;
      const isLast = state.row + size >= rows.length;
      Object.assign(state, isLast ? { epoch: state.epoch + 1, row: 0 } : { row: state.row + size });
      return outcome;
    });
    const updated = performance.now();
    const isDue = config.evaluateEvery > 0 && state.step % config.evaluateEvery === 0;
    const held = isDue ? await this.#task.evaluate(config) : {};
    const epoch = state.epoch + state.row / rows.length;
    const metrics = { ...figures, learningRate: rates.learningRate, epoch, ...held };
    this.#last = {
      step: state.step,
      metrics,
      alerts: metrics.skipped ? [notFinite(state.step)] : [],
      seconds: { update: (updated - started) / 1000, evaluate: (performance.now() - updated) / 1000 },
    };
    return this.#last;
  }

  #count(amount: Amount): number {
    return typeof amount === "number" ? amount : this.stepsFor(amount.epochs);
  }

  #rows(number: number): readonly (readonly number[])[] {
    if (this.#epoch?.number === number) return this.#epoch.rows;
    const items = Array.from({ length: this.#task.size }, (_, i) => i);
    const rows = this.#task.rows(this.lab.random("corpus", number).shuffle(items), this.#config);
    this.#epoch = { number, rows };
    return rows;
  }
}

const notFinite = (step: number): Alert => ({
  guard: "finite",
  metric: "gradNorm",
  value: Number.NaN,
  limit: null,
  step,
  action: "skip",
  message: "the gradient was not finite; nothing was changed",
  hint: "Lower the learning rate; look at the batch's samples.",
  rollouts: [],
});

import type { LabContext } from "../base/context.ts";
import { CheckpointError, InvalidInputError } from "../base/errors.ts";
import { displaySymbol } from "../display/host.ts";
import { withDisplay } from "../display/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Part } from "../parts/index.ts";
import type { Policy } from "../policy/policy.ts";
import { type CheckpointFiles, Run } from "../recording/index.ts";
import { asReward, type Reward, type RewardLike, rewards } from "../reward/index.ts";
import type { Intervention, Mixture } from "../rollout/agents/index.ts";
import type { Taskset } from "../rollout/tasks/index.ts";
import { type ToolBox, toolsetOf } from "../tools/index.ts";
import { estimatorOf } from "./advantages/index.ts";
import type { Advantages, Batch } from "./batch.ts";
import { checkpointFiles, readCheckpointFiles } from "./checkpoint-files.ts";
import { collectBatch, type UnscoredBatch } from "./collect-batch.ts";
import { configAt, type StepConfig, type TrainerConfig, type TrainerSettings } from "./config.ts";
import { updateActorCritic } from "./critic/update.ts";
import { diffFromPaper, type PaperDiff, type PaperSettings } from "./diff.ts";
import { explainMetric, type MetricExplanation } from "./explain.ts";
import { batchAdvantages } from "./filters/advantages.ts";
import { refill } from "./filters/refill.ts";
import { type ForkOptions, forkTrainer } from "./fork.ts";
import { type InfluenceReport, rolloutInfluences } from "./gradients.ts";
import { interventionOf } from "./helpers-setup.ts";
import { queue } from "./in-turn.ts";
import type { Learner } from "./learner.ts";
import { type ObjectiveReport, objectiveTerms } from "./objective.ts";
import { checkObjective } from "./parts/check-objective.ts";
import { partsOf } from "./parts/match-parts.ts";
import { PartShelf } from "./parts/shelf.ts";
import { type RolloutsOf, recordedRollouts } from "./recorded-rollouts.ts";
import { type ReplayOptions, type ReplayReport, replayStep } from "./replay.ts";
import { type ResumeOptions, resumeTrainer } from "./resume.ts";
import { bringTo, refuseWhileBusy } from "./rewind.ts";
import { rolloutRecords } from "./rollout-records.ts";
import { createTrainerRun, type NewRunOptions } from "./run-folder.ts";
import { RunHandle } from "./run-handle.ts";
import { scoreBatch } from "./score-batch.ts";
import { settingsTable } from "./settings-table.ts";
import type { TrainOptions } from "./train-loop.ts";
import { rolloutView } from "./train-panel.ts";
import { TrainRun } from "./train-run.ts";
import { trainStep } from "./train-step.ts";
import { TrainerState } from "./trainer-state.ts";
import { influenceBundle, objectiveBundle, shownBatch, updateBundle } from "./training-display.ts";
import type { StepReport, TrainerCheckpoint, UpdateReport } from "./types.ts";

export interface TrainerOptions extends TrainerSettings {
  lab: LabContext;
  policy: Policy;
  /** Runs blocks of code. A trainer needs it, or tools, or both. */
  interpreter?: CodeInterpreter | undefined;
  /** Typed tools; an interpreter beside them is one of them. */
  tools?: ToolBox | undefined;
  /** An expert that takes over in rollouts. What it writes is not trained on. */
  intervention?: Intervention | Mixture | undefined;
  taskset: Taskset;
  /** One of `rewards`, or a function of your own; see `reward`. Default: +1 or -1 on the last boxed answer. */
  reward?: RewardLike;
  /** Code of your own beside what the settings hold: settings may name it, now and later. */
  parts?: readonly Part[];
  /** What published configurations say; recipes bring it. */
  papers?: readonly PaperSettings[];
  /** The recipe that the settings come from; recorded. */
  recipe?: string | undefined;
}

interface CollectOptions {
  onProgress?: (finished: number) => void;
  intervention?: Intervention | Mixture;
}

/**
 * Tool-augmented reinforcement learning, one step at a time: `train` only composes `collect`, `advantages` and `update`,
 * and each can be called alone on any batch.
 *
 * @example
 * const trainer = new Trainer({ ...recipes.cir(), lab, policy, interpreter: python, taskset });
 * const batch = await trainer.collect();
 * const advantages = trainer.advantages(batch);
 * await trainer.update(batch, advantages);
 * for await (const step of trainer.train(40)) console.log(step.metrics.accuracy);
 */
export class Trainer implements Learner<StepReport> {
  readonly view = rolloutView;
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly interpreter: CodeInterpreter | undefined;
  readonly tools: ToolBox | undefined;
  readonly intervention: Intervention | undefined;
  readonly taskset: Taskset;
  readonly reward: Reward;
  readonly papers: readonly PaperSettings[];
  readonly recipe: string | undefined;
  /** What runs the calls of rollouts. */
  readonly #toolset: CodeInterpreter | ToolBox;
  readonly #shelf: PartShelf;
  readonly #state: TrainerState;
  #config: TrainerConfig;
  /** The settings of the step in flight: what is changed meanwhile waits for the next. */
  #inForce: TrainerConfig | undefined;
  #run: Run | undefined;
  #lastMetrics: StepReport["metrics"] | undefined;
  /** Work on the state goes one after the other. */
  readonly #inTurn = queue();

  /** @throws InvalidInputError naming every setting that is unknown or out of range. */
  constructor(options: TrainerOptions) {
    const { lab, policy, interpreter, taskset, reward = rewards.boxedAnswer(), papers = [], ...others } = options;
    const { recipe, tools, intervention, parts = [], ...settings } = others;
    for (const [name, value] of Object.entries({ lab, policy, taskset }))
      if (value === undefined) throw new InvalidInputError(`A trainer needs ${name}.`);
    this.lab = lab;
    this.policy = policy;
    this.interpreter = interpreter;
    this.tools = tools;
    this.#toolset = toolsetOf({ interpreter, tools }, "A trainer");
    this.intervention = interventionOf(intervention, policy);
    this.taskset = taskset;
    this.reward = asReward(reward);
    this.papers = papers;
    this.recipe = recipe;
    this.#shelf = new PartShelf([...parts, ...partsOf(this.reward, taskset)]);
    this.#config = this.#shelf.checked(settings, this.policy.config.maxLength);
    this.#state = new TrainerState(policy, () => {
      const { beta1, beta2, adamEpsilon: epsilon } = this.#current;
      return { beta1, beta2, epsilon };
    });
  }

  get title(): string {
    return `Training ${this.policy.name} on ${this.taskset.name}`;
  }

  /** Steps taken. */
  get step(): number {
    return this.#state.step;
  }

  /** Changes that the policy's weights have seen. */
  get version(): number {
    return this.policy.version;
  }

  /** All code of your own that it has used or was given, every version of it. */
  get parts(): readonly Part[] {
    return this.#shelf.parts;
  }

  /** The settings in force. Assigning one checks it and takes effect with the next step. */
  get config(): TrainerConfig {
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
   * @throws InvalidInputError naming every setting that is unknown or out of range; none is changed then.
   */
  configure(changes: Partial<TrainerSettings>): void {
    this.#config = this.#shelf.checked({ ...this.#config, ...changes }, this.policy.config.maxLength);
  }

  /**
   * The settings in force at a step (0-based; default: the next one) with every hyperparameter as a number: triggers and
   * adaptive coefficients as they stand now.
   */
  valuesAt(step = this.step): StepConfig {
    return configAt(this.#current, step, this.#state.controllers);
  }

  /** Every setting that differs from a paper's own configuration, and why. */
  diff(paper: string): PaperDiff {
    return diffFromPaper(this.#config, this.papers, paper);
  }

  /**
   * Samples a batch with the current policy and scores it.
   *
   * @param options `intervention`: another expert than the trainer's own.
   * @throws InfrastructureError when more rollouts were lost than `maxInfrastructureRate` allows.
   */
  async collect(options: CollectOptions = {}): Promise<Batch> {
    const { lab, policy, taskset, step } = this;
    const intervention = interventionOf(options.intervention, policy) ?? this.intervention;
    const parts = { lab, policy, interpreter: this.#toolset, intervention, taskset, onProgress: options.onProgress };
    const greedy = estimatorOf(this.#current.advantageEstimator).needs?.includes("baselines") ?? false;
    const config = this.valuesAt(step);
    const round = async (round?: { round: number; prompts: number }) =>
      this.score(await collectBatch({ ...parts, config, step, greedy, ...round }));
    const batch = await refill(await round(), config.filters, (number, prompts) => round({ round: number, prompts }));
    return shownBatch(batch);
  }

  /**
   * Scores rollouts, or scores them again, by the reward, the filters and, where they are kept, the reference policy and the
   * critic.
   *
   * @param options `reward`: judges in place of the trainer's own.
   */
  async score(
    batch: UnscoredBatch,
    { reward = this.reward }: { reward?: RewardLike | undefined } = {},
  ): Promise<Batch> {
    const config = this.valuesAt(batch.step);
    return shownBatch(await scoreBatch(asReward(reward), this.#state, config, batch));
  }

  /**
   * Advantages of a batch by the configured estimator.
   *
   * @throws InvalidInputError where the estimator does not fit the batch, or a reward is not a finite number.
   */
  advantages(batch: Batch): Advantages {
    return batchAdvantages(batch, this.valuesAt(batch.step));
  }

  /** The objective's terms for every token of a batch under the current policy; nothing is changed. */
  async objective(batch: Batch, advantages: Advantages): Promise<ObjectiveReport> {
    return withDisplay(
      await objectiveTerms(this.policy, this.valuesAt(batch.step), batch, advantages, this.#draws(batch)),
      objectiveBundle,
    );
  }

  /**
   * What each rollout of a batch does to the step: its gradient's norm and direction, and its share in the descent.
   * Nothing is changed. About three forward passes' work per rollout.
   *
   * @param options `rollouts`: places in the batch; default all of them.
   */
  async influence(
    batch: Batch,
    advantages: Advantages,
    options: { rollouts?: readonly number[] } = {},
  ): Promise<InfluenceReport> {
    const config = this.valuesAt(batch.step);
    const draws = this.#draws(batch);
    const report = await rolloutInfluences(this.policy, config, batch, advantages, draws, options.rollouts);
    return withDisplay(report, influenceBundle);
  }

  /** A metric explained: formula, expected range, what to do; with its value in the last step. */
  explain(metric: string): MetricExplanation {
    const value = (this.#lastMetrics as Record<string, unknown> | undefined)?.[metric];
    return explainMetric(metric, typeof value === "number" ? value : undefined);
  }

  /**
   * Updates the policy on a batch, and the critic where the estimator works with one.
   *
   * @throws InvariantError when a loss mask is not what was sampled, or when the batch claims to be of this very policy and
   * a ratio says otherwise; nothing is changed then.
   */
  update(batch: Batch, advantages: Advantages): Promise<UpdateReport> {
    return this.#inTurn(() => this.#update(batch, advantages));
  }

  async #update(batch: Batch, advantages: Advantages, gradNormLimit?: number): Promise<UpdateReport> {
    const { policy } = this;
    const config = this.valuesAt(batch.step);
    await checkObjective(policy, config, batch);
    const input = {
      policy,
      optimizer: await this.#state.optimizer(),
      config,
      batch,
      advantages,
      random: this.#draws(batch),
      gradNormLimit,
    };
    const report = await updateActorCritic(input, () => this.#state.critic());
    return withDisplay(report, updateBundle);
  }

  /**
   * Trains for `steps` more steps. Iterate over it, or await `done()`; interrupting leaves the last whole step, and
   * calling `train` again goes on from there.
   */
  train(steps: number, options: TrainOptions = {}): TrainRun {
    return new TrainRun(this, steps, options);
  }

  /**
   * Trains for `steps` more steps beside the cells: returns at once. The panel stays under this cell.
   *
   * @throws InvalidInputError while another training of this trainer goes on.
   */
  start(steps: number, options: TrainOptions = {}): RunHandle {
    return new RunHandle(this, steps, options);
  }

  /**
   * One whole step: collect, score, advantages, update. The step counts once its update is done.
   *
   * @param batch a scored batch of this step to train on in place of a new one.
   * @throws InvalidInputError for a batch of another step.
   */
  trainStep(batch?: Batch): Promise<StepReport> {
    return this.#inTurn(() => this.#trainStep(batch));
  }

  async #trainStep(given?: Batch): Promise<StepReport> {
    if (given && given.step !== this.step)
      throw new InvalidInputError(`The batch is of step ${given.step}, the trainer is at step ${this.step}.`);
    this.#inForce = this.#config;
    try {
      const report = await trainStep({
        interpreter: this.interpreter,
        state: this.#state,
        settings: () => this.#current,
        config: () => this.valuesAt(this.step),
        collect: async () => given ?? this.collect(),
        advantages: (batch) => this.advantages(batch),
        update: this.#update.bind(this),
      });
      this.#lastMetrics = report.metrics;
      return report;
    } finally {
      this.#inForce = undefined;
    }
  }

  /** Weights, optimizer state and step: what a resumed run needs. */
  checkpoint(): Promise<TrainerCheckpoint> {
    return this.#inTurn(() => this.#state.checkpoint());
  }

  /** Goes back, or on, to a checkpoint; training from there equals training that was never stopped. */
  restore(checkpoint: TrainerCheckpoint): Promise<void> {
    return this.#inTurn(() => this.#state.restore(checkpoint));
  }

  /** The state as the files of a checkpoint. */
  async save(): Promise<{ step: number; files: CheckpointFiles }> {
    const state = await this.checkpoint();
    return { step: state.step, files: await checkpointFiles(this.policy, state) };
  }

  /** Takes up the state that a checkpoint's files hold. */
  async load(files: Readonly<Record<string, Uint8Array>>, where: string): Promise<void> {
    return this.restore(readCheckpointFiles(this.policy, files, where));
  }

  /** A step's rollouts as its file in the run's folder holds them. */
  records({ batch }: StepReport): readonly unknown[] {
    return rolloutRecords(batch);
  }

  /** The recorded run that this trainer's steps belong to: one that exists, or a new one in `folder` on first use. */
  async openRun(folder: string | Run, options: NewRunOptions = {}): Promise<Run> {
    if (folder instanceof Run) this.#run = folder;
    this.#run ??= await createTrainerRun(this, { ...this.#config }, folder as string, options);
    return this.#run;
  }

  /**
   * Goes back to the state after `step`: the nearest checkpoint of this trainer's run at or before it, then the steps
   * from there again, each with the settings that held for it, which gives the same weights as before. The settings stay
   * what they are now. Until the next step is trained, rewinding forward again undoes it.
   *
   * @throws CheckpointError when there is no way to that step, InvalidInputError while a run of this trainer goes on.
   */
  async rewind(step: number): Promise<void> {
    refuseWhileBusy(this, "Rewinding");
    if (!this.#run) throw new CheckpointError(`There is no way back to step ${step}: the training is not recorded.`);
    await bringTo(this, this.#run, step);
  }

  /**
   * A trainer of its own that begins in this one's state, or in that after an earlier step with the settings of then, and
   * goes on identically if nothing is changed. Its run's folder names the parent.
   *
   * @throws CheckpointError when there is no way back to that step.
   */
  fork(options: ForkOptions = {}): Promise<Trainer> {
    const { lab, interpreter, tools, intervention, taskset, reward, papers, recipe, parts } = this;
    const same = { lab, interpreter, tools, intervention, taskset, reward, papers, recipe, parts };
    return forkTrainer(this, this.#run, (policy, settings) => new Trainer({ ...settings, ...same, policy }), options);
  }

  /**
   * The rollouts of a recorded step, as they were last recorded: all of them, or those that an alert names.
   *
   * @example
   * await trainer.rollouts(step.alerts[0]);
   * await trainer.rollouts({ step: 27 });
   * @throws RecordingError when the step's rollouts were not recorded.
   */
  rollouts(of: RolloutsOf): Promise<Batch> {
    return recordedRollouts(this.policy.tokenizer, this.#run, of);
  }

  /**
   * Trains a recorded step's rollouts again, on a branch that begins where that step did, and compares with what was
   * recorded. Nothing is changed.
   *
   * @param options `reward`: judges the rollouts anew. Default: the run's own.
   * @throws RecordingError when the step's rollouts were not recorded.
   */
  replay(step: number, options: ReplayOptions = {}): Promise<ReplayReport> {
    return replayStep((at) => this.fork({ step: at, record: false }), this.#run, step, options);
  }

  /**
   * A trainer that goes on with a recorded run, from its folder alone; code of your own must be given, and one that was
   * changed since is refused with the difference, unless `allowChanged` is true.
   *
   * @example
   * const trainer = await Trainer.resume("runs/20260801-120000-tiny-math-arithmetic");
   * const other = await Trainer.resume("runs/20260801-130000-mine", { parts: [lengthAware, medianBaseline] });
   * await trainer.train(20).done();
   * @throws RecordingError for a folder that is no run, is damaged, of a newer version, or being trained; CheckpointError for
   * a run without checkpoints or a policy of another architecture; InvalidInputError naming a part that must be given.
   */
  static async resume(folder: string, options: ResumeOptions = {}): Promise<Trainer> {
    return resumeTrainer(folder, options, (parts, settings) => new Trainer({ ...settings, ...parts }));
  }

  /** Frees the optimizer's state and programs; the policy stays. */
  close(): Promise<void> {
    return this.#state.close();
  }

  [displaySymbol](): unknown {
    const caption = `Trainer at step ${this.step}: ${this.policy.name} on ${this.taskset.name}`;
    return settingsTable(this.#config, caption);
  }

  get #current(): TrainerConfig {
    return this.#inForce ?? this.#config;
  }

  /** Draws of the step's own, for losses that choose tokens at random. */
  #draws({ step }: Batch): () => number {
    const stream = this.lab.random("objective", step);
    return () => stream.next();
  }
}

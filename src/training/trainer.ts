import type { LabContext } from "../base/context.ts";
import { CheckpointError, InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { displaySymbol } from "../display/host.ts";
import { shield, table, withDisplay } from "../display/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Policy } from "../policy/policy.ts";
import { Run } from "../recording/index.ts";
import { type Reward, rewards } from "../reward/index.ts";
import type { Taskset } from "../rollout/tasks/index.ts";
import { advantageInput } from "./advantage-input.ts";
import { estimateAdvantages, estimatorName, estimatorOf } from "./advantages/index.ts";
import type { Advantages, Batch, ScoredRollout, UnscoredRollout } from "./batch.ts";
import { readCheckpointFiles } from "./checkpoint-files.ts";
import { collectBatch, type UnscoredBatch } from "./collect-batch.ts";
import { configAt, type TrainerConfig, type TrainerSettings, trainerConfigSchema } from "./config.ts";
import { diffFromPaper, type PaperDiff, type PaperSettings } from "./diff.ts";
import { explainMetric, type MetricExplanation } from "./explain.ts";
import { type InfluenceReport, rolloutInfluences } from "./gradients.ts";
import { rolloutMetrics } from "./metrics.ts";
import { type ObjectiveReport, objectiveTerms } from "./objective.ts";
import { PolicyOptimizer } from "./optimizer.ts";
import { Reference } from "./reference.ts";
import { needsReference } from "./step-objective.ts";
import { TrainRun } from "./train-run.ts";
import { batchBundle, influenceBundle, objectiveBundle, updateBundle } from "./training-display.ts";
import type { StepReport, TrainerCheckpoint, UpdateReport } from "./types.ts";
import { updatePolicy } from "./update.ts";

export interface TrainerOptions extends TrainerSettings {
  lab: LabContext;
  policy: Policy;
  interpreter: CodeInterpreter;
  taskset: Taskset;
  /** Default: +1 or -1 on the last boxed answer. */
  reward?: Reward;
  /** What published configurations say; recipes bring it. */
  papers?: readonly PaperSettings[];
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
export class Trainer {
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly interpreter: CodeInterpreter;
  readonly taskset: Taskset;
  readonly reward: Reward;
  readonly papers: readonly PaperSettings[];
  /** Steps taken. */
  step = 0;
  #config: TrainerConfig;
  #optimizer: PolicyOptimizer | undefined;
  #reference: Reference | undefined;
  #run: Run | undefined;
  #lastMetrics: StepReport["metrics"] | undefined;
  /** The work on the trainer's state that was asked for last. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @throws InvalidInputError naming every setting that is unknown or out of range. */
  constructor(options: TrainerOptions) {
    const { lab, policy, interpreter, taskset, reward = rewards.boxedAnswer(), papers = [], ...settings } = options;
    for (const [name, value] of Object.entries({ lab, policy, interpreter, taskset }))
      if (value === undefined) throw new InvalidInputError(`A trainer needs ${name}.`);
    this.lab = lab;
    this.policy = policy;
    this.interpreter = interpreter;
    this.taskset = taskset;
    this.reward = reward;
    this.papers = papers;
    this.#config = this.#checked(settings);
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
    this.#config = this.#checked({ ...this.#config, ...changes });
  }

  /** Every setting that differs from a paper's own configuration, and why. */
  diff(paper: string): PaperDiff {
    return diffFromPaper(this.#config, this.papers, paper);
  }

  /**
   * Samples a batch with the current policy and scores it.
   *
   * @throws InfrastructureError when more rollouts were lost than `maxInfrastructureRate` allows.
   */
  async collect(options: { onProgress?: (finished: number) => void } = {}): Promise<Batch> {
    const { lab, policy, interpreter, taskset, step } = this;
    const greedy = estimatorOf(this.#config.advantageEstimator).needs?.includes("baselines") ?? false;
    const config = configAt(this.#config, step);
    return this.score(await collectBatch({ lab, policy, interpreter, taskset, config, step, greedy, ...options }));
  }

  /** Scores rollouts, or scores them again, by the reward and, where one is kept, the reference policy. */
  async score(batch: UnscoredBatch): Promise<Batch> {
    const { greedy } = batch;
    const score = (rollouts: readonly UnscoredRollout[]): Promise<ScoredRollout[]> =>
      Promise.all(rollouts.map(async (rollout) => ({ ...rollout, reward: await this.#score(rollout) })));
    let rollouts: readonly UnscoredRollout[] = batch.rollouts;
    const config = configAt(this.#config, batch.step);
    if (needsReference(config)) {
      this.#reference ??= await Reference.copy(this.policy);
      rollouts = await this.#reference.annotate(rollouts, config.temperature);
    }
    const scored = { ...batch, rollouts: await score(rollouts), greedy: greedy && (await score(greedy)) };
    return withDisplay(scored, batchBundle);
  }

  /**
   * Advantages of a batch by the configured estimator.
   *
   * @throws InvalidInputError where the estimator does not fit the batch, or a reward is not a finite number.
   */
  advantages(batch: Batch): Advantages {
    const { advantageEstimator: choice } = this.#config;
    const input = advantageInput(batch, configAt(this.#config, batch.step));
    return { estimator: estimatorName(choice), ...estimateAdvantages(choice, input) };
  }

  /** The objective's terms for every token of a batch under the current policy; nothing is changed. */
  async objective(batch: Batch, advantages: Advantages): Promise<ObjectiveReport> {
    return withDisplay(
      await objectiveTerms(this.policy, configAt(this.#config, batch.step), batch, advantages, this.#draws(batch)),
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
    const config = configAt(this.#config, batch.step);
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
   * Updates the policy on a batch.
   *
   * @throws InvariantError when a loss mask is not what was sampled, or when the batch claims to be of this very policy and
   * a ratio says otherwise; nothing is changed then.
   */
  update(batch: Batch, advantages: Advantages): Promise<UpdateReport> {
    return this.#inTurn(() => this.#update(batch, advantages));
  }

  async #update(batch: Batch, advantages: Advantages): Promise<UpdateReport> {
    const report = await updatePolicy({
      policy: this.policy,
      optimizer: await this.#ensureOptimizer(),
      config: configAt(this.#config, batch.step),
      batch,
      advantages,
      random: this.#draws(batch),
    });
    return withDisplay(report, updateBundle);
  }

  /**
   * Trains for `steps` more steps. Iterate over it, or await `done()`; interrupting leaves the last whole step, and
   * calling `train` again goes on from there.
   */
  train(steps: number, options: { title?: string; record?: string | false } = {}): TrainRun {
    if (!Number.isInteger(steps) || steps < 1)
      throw new InvalidInputError(`train() takes a whole number of steps of at least 1, was ${steps}.`);
    return new TrainRun(this, steps, options);
  }

  /** One whole step: collect, score, advantages, update. The step counts once its update is done. */
  trainStep(): Promise<StepReport> {
    return this.#inTurn(() => this.#trainStep());
  }

  async #trainStep(): Promise<StepReport> {
    const started = performance.now();
    const batch = await this.collect();
    const collected = performance.now();
    const update = await shield(() => this.#update(batch, this.advantages(batch)));
    const finished = performance.now();
    this.step = batch.step + 1;
    const metrics = { ...rolloutMetrics(batch), ...update, maxToolCalls: batch.maxToolCalls };
    this.#lastMetrics = metrics;
    const alerts = update.skipped ? [`${update.skipped} update(s) skipped: the gradient was not finite`] : [];
    return {
      step: this.step,
      metrics,
      alerts,
      batch,
      seconds: { collect: (collected - started) / 1000, update: (finished - collected) / 1000 },
    };
  }

  /** Weights, optimizer state and step: what a resumed run needs. */
  checkpoint(): Promise<TrainerCheckpoint> {
    return this.#inTurn(async () => {
      const optimizer = await this.#ensureOptimizer();
      return {
        step: this.step,
        policyVersion: this.policy.version,
        weights: await this.policy.weights(),
        optimizer: await optimizer.state(),
        ...(this.#reference && { reference: await this.#reference.policy.weights() }),
      };
    });
  }

  /** Goes back, or on, to a checkpoint; training from there equals training that was never stopped. */
  restore(checkpoint: TrainerCheckpoint): Promise<void> {
    return this.#inTurn(async () => {
      const optimizer = await this.#ensureOptimizer();
      await this.policy.setWeights(checkpoint.weights, checkpoint.policyVersion);
      await optimizer.setState(checkpoint.optimizer);
      if (checkpoint.reference) {
        this.#reference ??= await Reference.copy(this.policy);
        await this.#reference.policy.setWeights(checkpoint.reference, 0);
      } else this.#reference = undefined;
      this.step = checkpoint.step;
    });
  }

  /** The recorded run that this trainer's steps belong to: made in `folder` on first use. */
  async openRun(folder: string): Promise<Run> {
    this.#run ??= await Run.create({
      folder,
      name: `${this.policy.name}-${this.taskset.name}`,
      seed: this.lab.seed,
      config: { ...this.#config },
    });
    return this.#run;
  }

  /**
   * Goes back to the state after `step`: the nearest checkpoint of this trainer's run at or before it, then the steps
   * from there again, which give the same weights as before.
   *
   * @throws CheckpointError when no checkpoint is that old.
   */
  async rewind(step: number): Promise<void> {
    const checkpoints = (await this.#run?.checkpoints.list()) ?? [];
    const nearest = checkpoints.findLast((checkpoint) => checkpoint.step <= step);
    if (!this.#run || !nearest || step > Math.max(this.step, checkpoints.at(-1)?.step ?? 0))
      throw new CheckpointError(
        `There is no way back to step ${step}.`,
        `Checkpoints: ${checkpoints.map((checkpoint) => checkpoint.step).join(", ") || "none"}.`,
      );
    const files = await this.#run.checkpoints.read(nearest.step);
    await this.restore(readCheckpointFiles(this.policy, files, nearest.path));
    while (this.step < step) await this.trainStep();
  }

  /** Frees the optimizer's state and programs; the policy stays. */
  async close(): Promise<void> {
    await this.#optimizer?.close();
    this.#optimizer = undefined;
  }

  [displaySymbol](): unknown {
    const rows = Object.entries(this.#config).map(([setting, value]) => ({
      setting,
      value: typeof value === "object" ? JSON.stringify(value) : String(value),
    }));
    const caption = `Trainer at step ${this.step}: ${this.policy.name} on ${this.taskset.name}`;
    return table(rows, { caption })[displaySymbol]();
  }

  /**
   * Work on the state goes one after the other: a step whose cell was interrupted may still end while the next cell
   * trains on. It begins in a microtask, where an interrupt of the calling cell cannot cut it.
   */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #checked(settings: unknown): TrainerConfig {
    const config = parseInput(trainerConfigSchema, settings, "trainer configuration");
    if (config.promptsPerStep % config.miniBatches)
      throw new InvalidInputError(
        `promptsPerStep (${config.promptsPerStep}) must be a multiple of miniBatches (${config.miniBatches}).`,
      );
    const smallest = estimatorOf(config.advantageEstimator).minGroupSize ?? 1;
    if (config.numGenerations < smallest)
      throw new InvalidInputError(
        `advantageEstimator ${estimatorName(config.advantageEstimator)} compares rollouts of a prompt: numGenerations must be at least ${smallest}, was ${config.numGenerations}.`,
      );
    if (config.maxLength > this.policy.config.maxLength)
      throw new InvalidInputError(
        `maxLength (${config.maxLength}) is more than the policy's ${this.policy.config.maxLength} positions.`,
      );
    return config;
  }

  /** Draws of the step's own, for losses that choose tokens at random. */
  #draws({ step }: Batch): () => number {
    const stream = this.lab.random("objective", step);
    return () => stream.next();
  }

  async #score({ task, trajectory }: UnscoredRollout) {
    const toolText = trajectory.toolCalls.map((call) => call.feedback).join("\n");
    return this.reward.score({ task, text: trajectory.assistantText, toolText });
  }

  async #ensureOptimizer(): Promise<PolicyOptimizer> {
    const { beta1, beta2, adamEpsilon } = this.#config;
    this.#optimizer ??= await PolicyOptimizer.create(this.policy, { beta1, beta2, epsilon: adamEpsilon });
    return this.#optimizer;
  }
}

import type { LabContext } from "../base/context.ts";
import { InvalidInputError } from "../base/errors.ts";
import { withDisplay } from "../display/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Part } from "../parts/index.ts";
import type { Policy } from "../policy/policy.ts";
import { asReward, type Reward, type RewardLike, rewards } from "../reward/index.ts";
import type { Intervention, Mixture } from "../rollout/agents/index.ts";
import type { Taskset } from "../rollout/tasks/index.ts";
import { type ToolBox, toolsetOf } from "../tools/index.ts";
import { estimatorOf } from "./advantages/index.ts";
import type { Advantages, Batch } from "./batch.ts";
import { collectBatch, goOn, type UnscoredBatch } from "./collect-batch.ts";
import { configAt, type StepConfig, type TrainerConfig, type TrainerSettings } from "./config.ts";
import { updateActorCritic } from "./critic/update.ts";
import { diffFromPaper, type PaperDiff, type PaperSettings } from "./diff.ts";
import { explainMetric, type MetricExplanation } from "./explain.ts";
import { batchAdvantages } from "./filters/advantages.ts";
import { refill } from "./filters/refill.ts";
import { type InfluenceReport, rolloutInfluences } from "./gradients.ts";
import { HeldStep } from "./held-step.ts";
import { interventionOf } from "./helpers-setup.ts";
import { type ObjectiveReport, objectiveTerms } from "./objective.ts";
import { checkObjective } from "./parts/check-objective.ts";
import { partsOf } from "./parts/match-parts.ts";
import { PartShelf } from "./parts/shelf.ts";
import { scoreBatch } from "./score-batch.ts";
import { trainStep } from "./train-step.ts";
import { TrainerState } from "./trainer-state.ts";
import { influenceBundle, objectiveBundle, shownBatch, updateBundle } from "./training-display.ts";
import { Turns } from "./turns.ts";
import type { StepReport, UpdateReport } from "./types.ts";

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
 * The parts of a training step, each of which can be called alone on any batch, real or edited by hand.
 */
export class OpenSteps {
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
  protected readonly state: TrainerState;
  #config: TrainerConfig;
  /** The settings of the step in flight: what is changed meanwhile waits for the next. */
  #inForce: TrainerConfig | undefined;
  #lastMetrics: StepReport["metrics"] | undefined;
  protected readonly turns = new Turns();

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
    this.state = new TrainerState(policy, () => {
      const { beta1, beta2, adamEpsilon: epsilon } = this.#current;
      return { beta1, beta2, epsilon };
    });
  }

  get title(): string {
    return `Training ${this.policy.name} on ${this.taskset.name}`;
  }

  /** Steps taken. */
  get step(): number {
    return this.state.step;
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
   * Changes of settings as a command can carry them: code of your own among them is kept here, and named there.
   *
   * @throws InvalidInputError for code that does not fit its place.
   */
  asCommand(changes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return this.#shelf.named(this.#config, changes, this.policy.config.maxLength);
  }

  /**
   * The settings in force at a step (0-based; default: the next one) with every hyperparameter as a number: triggers and
   * adaptive coefficients as they stand now.
   */
  valuesAt(step = this.step): StepConfig {
    return configAt(this.#current, step, this.state.controllers);
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
    return shownBatch(await scoreBatch(asReward(reward), this.state, config, batch));
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
      (report) => objectiveBundle(report, batch, advantages),
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
   * a ratio says otherwise, InvalidInputError while a step is held; nothing is changed then.
   */
  update(batch: Batch, advantages: Advantages): Promise<UpdateReport> {
    return this.turns.take("An update", () => this.#update(batch, advantages));
  }

  async #update(batch: Batch, advantages: Advantages, gradNormLimit?: number): Promise<UpdateReport> {
    const { policy } = this;
    const config = this.valuesAt(batch.step);
    await checkObjective(policy, config, batch);
    const input = {
      policy,
      optimizer: await this.state.optimizer(),
      config,
      batch,
      advantages,
      random: this.#draws(batch),
      gradNormLimit,
    };
    const report = await updateActorCritic(input, () => this.state.critic());
    return withDisplay(report, updateBundle);
  }

  /**
   * One whole step with the settings that are in force when it begins.
   *
   * @param review gets the collected batch before the update.
   */
  protected async takeStep(given?: Batch, review?: (held: HeldStep) => Promise<void>): Promise<StepReport> {
    if (given && given.step !== this.step)
      throw new InvalidInputError(`The batch is of step ${given.step}, the trainer is at step ${this.step}.`);
    this.#inForce = this.#config;
    try {
      const report = await trainStep({
        interpreter: this.interpreter,
        state: this.state,
        settings: () => this.#current,
        config: () => this.valuesAt(this.step),
        collect: async () => given ?? this.collect(),
        review: review && ((batch) => this.#reviewed(batch, review)),
        advantages: (batch) => this.advantages(batch),
        update: this.#update.bind(this),
      });
      this.#lastMetrics = report.metrics;
      return report;
    } finally {
      this.#inForce = undefined;
    }
  }

  async #reviewed(batch: Batch, review: (held: HeldStep) => Promise<void>): Promise<HeldStep> {
    const { lab, policy, intervention } = this;
    const config = this.valuesAt(batch.step);
    const parts = { lab, policy, interpreter: this.#toolset, intervention, config };
    const held = new HeldStep(batch, {
      goOn: (rollout, trajectory) => goOn({ ...parts, step: batch.step }, rollout, trajectory),
      score: (unscored) => this.score(unscored),
    });
    await this.turns.holding(held.step, () => review(held));
    return held;
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

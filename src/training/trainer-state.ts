import { InvalidInputError } from "../base/errors.ts";
import type { Policy } from "../policy/policy.ts";
import type { Betas } from "./adamw.ts";
import type { UnscoredRollout } from "./batch.ts";
import type { ControllerStates } from "./controllers/index.ts";
import { Critic } from "./critic/critic.ts";
import { freshMemory } from "./guarded-step.ts";
import { PolicyOptimizer } from "./optimizer.ts";
import { Reference } from "./reference.ts";
import { Scorer } from "./scoring.ts";
import { tokenLogprobs } from "./token-logprobs.ts";
import type { GuardMemory, TrainerCheckpoint, TrainerSnapshot } from "./types.ts";

/**
 * What training changes: the policy's weights, the optimizer's moments, and what is carried from step to step. All of it
 * is in a checkpoint, so that a resumed run equals one that was never stopped.
 */
export class TrainerState {
  /** Steps taken. */
  step = 0;
  guards: GuardMemory = freshMemory;
  /** What triggers and adaptive coefficients remember. */
  controllers: ControllerStates = {};
  /** The interpreter's alarm was on in the last step: it is told once. */
  hasAlarm = false;
  readonly #policy: Policy;
  /** The optimizer's settings in force. */
  readonly #betas: () => Betas;
  #optimizer: PolicyOptimizer | undefined;
  #reference: Reference | undefined;
  #scorer: Scorer | undefined;
  #critic: Critic | undefined;
  /** The optimizer's state was given up. */
  #isClosed = false;

  constructor(policy: Policy, betas: () => Betas) {
    this.#policy = policy;
    this.#betas = betas;
  }

  /**
   * The optimizer, with the settings in force.
   *
   * @throws InvalidInputError once it was closed: training on with fresh moments would be another training.
   */
  async optimizer(): Promise<PolicyOptimizer> {
    if (this.#isClosed)
      throw new InvalidInputError(
        `This trainer was closed after step ${this.step}: its optimizer's state is gone.`,
        "Take the run up with Trainer.resume, or go back to a checkpoint with rewind or restore.",
      );
    const betas = this.#betas();
    this.#optimizer ??= await PolicyOptimizer.create(this.#policy, betas);
    this.#optimizer.betas = betas;
    return this.#optimizer;
  }

  /** The critic, with the optimizer's settings in force; it begins as a copy of the policy when it is first needed. */
  async critic(): Promise<Critic> {
    const betas = this.#betas();
    this.#critic ??= await Critic.fromPolicy(this.#policy, betas);
    this.#critic.optimizer.betas = betas;
    return this.#critic;
  }

  /** Rollouts with the log-probs of the reference policy, which is a copy of the policy when it is first needed. */
  async annotate(rollouts: readonly UnscoredRollout[], temperature: number): Promise<UnscoredRollout[]> {
    this.#reference ??= await Reference.copy(this.#policy);
    return this.#reference.annotate(rollouts, temperature);
  }

  /** The rollouts with the policy's own log-probs, whoever sampled them. */
  async annotateOld<R extends UnscoredRollout>(rollouts: readonly R[], temperature: number): Promise<R[]> {
    this.#scorer ??= new Scorer(this.#policy);
    const logprobs = await tokenLogprobs(this.#policy, this.#scorer, rollouts, temperature);
    return rollouts.map((rollout, i) => ({ ...rollout, oldLogprobs: logprobs[i]! }));
  }

  /** Moves the reference policy towards the policy by a share of the way; nothing where none is kept. */
  async moveReference(share: number): Promise<void> {
    await this.#reference?.follow(this.#policy, share);
  }

  /** Fresh moments. */
  async resetOptimizer(): Promise<void> {
    const optimizer = await this.optimizer();
    const { m, v } = await optimizer.state();
    for (const data of [...Object.values(m), ...Object.values(v)]) data.fill(0);
    await optimizer.setState({ updates: 0, m, v });
  }

  /** What an update changes, as it is now. */
  async snapshot(): Promise<TrainerSnapshot> {
    const optimizer = await this.optimizer();
    return {
      step: this.step,
      weights: await this.#policy.weights(),
      optimizer: await optimizer.state(),
      ...(this.#critic && { critic: await this.#critic.state() }),
    };
  }

  /** Takes an update back; the policy counts as changed. */
  rollBack(snapshot: TrainerSnapshot): Promise<void> {
    return this.#putBack(snapshot, this.#policy.version + 1);
  }

  async checkpoint(): Promise<TrainerCheckpoint> {
    return {
      ...(await this.snapshot()),
      policyVersion: this.#policy.version,
      guards: this.guards,
      controllers: this.controllers,
      ...(this.#reference && { reference: await this.#reference.policy.weights() }),
    };
  }

  async restore(checkpoint: TrainerCheckpoint): Promise<void> {
    this.#isClosed = false;
    await this.#putBack(checkpoint, checkpoint.policyVersion);
    this.guards = checkpoint.guards ?? freshMemory;
    this.controllers = checkpoint.controllers ?? {};
    if (checkpoint.reference) {
      this.#reference ??= await Reference.copy(this.#policy);
      await this.#reference.policy.setWeights(checkpoint.reference, 0);
    } else await this.#dropReference();
    this.step = checkpoint.step;
  }

  /** Frees the critic, the reference, the optimizer's state and programs; the policy stays. */
  async close(): Promise<void> {
    this.#isClosed ||= this.#optimizer !== undefined;
    await this.#optimizer?.close();
    this.#optimizer = undefined;
    await this.#scorer?.close();
    this.#scorer = undefined;
    await this.#dropReference();
    await this.#dropCritic();
  }

  async #putBack({ weights, optimizer: state, critic }: TrainerSnapshot, version: number): Promise<void> {
    const optimizer = await this.optimizer();
    await this.#policy.setWeights(weights, version);
    await optimizer.setState(state);
    if (critic) await (await this.critic()).setState(critic);
    else await this.#dropCritic();
  }

  async #dropReference(): Promise<void> {
    await this.#reference?.close();
    this.#reference = undefined;
  }

  async #dropCritic(): Promise<void> {
    await this.#critic?.close();
    this.#critic = undefined;
  }
}

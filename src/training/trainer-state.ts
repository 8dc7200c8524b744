import type { Policy, Weights } from "../policy/policy.ts";
import type { UnscoredRollout } from "./batch.ts";
import { freshMemory } from "./guarded-step.ts";
import { type Betas, type OptimizerState, PolicyOptimizer } from "./optimizer.ts";
import { Reference } from "./reference.ts";
import type { GuardMemory, TrainerCheckpoint, TrainerSnapshot } from "./types.ts";

/**
 * What training changes: the policy's weights, the optimizer's moments, and what is carried from step to step. All of it
 * is in a checkpoint, so that a resumed run equals one that was never stopped.
 */
export class TrainerState {
  /** Steps taken. */
  step = 0;
  guards: GuardMemory = freshMemory;
  /** The interpreter's alarm was on in the last step: it is told once. */
  hasAlarm = false;
  readonly #policy: Policy;
  /** The optimizer's settings in force. */
  readonly #betas: () => Betas;
  #optimizer: PolicyOptimizer | undefined;
  #reference: Reference | undefined;

  constructor(policy: Policy, betas: () => Betas) {
    this.#policy = policy;
    this.#betas = betas;
  }

  /** The optimizer, with the settings in force. */
  async optimizer(): Promise<PolicyOptimizer> {
    const betas = this.#betas();
    this.#optimizer ??= await PolicyOptimizer.create(this.#policy, betas);
    this.#optimizer.betas = betas;
    return this.#optimizer;
  }

  /** Rollouts with the log-probs of the reference policy, which is a copy of the policy when it is first needed. */
  async annotate(rollouts: readonly UnscoredRollout[], temperature: number): Promise<UnscoredRollout[]> {
    this.#reference ??= await Reference.copy(this.#policy);
    return this.#reference.annotate(rollouts, temperature);
  }

  /** What an update changes, as it is now. */
  async snapshot(): Promise<TrainerSnapshot> {
    const optimizer = await this.optimizer();
    return { step: this.step, weights: await this.#policy.weights(), optimizer: await optimizer.state() };
  }

  /** Takes an update back; the policy counts as changed. */
  rollBack({ weights, optimizer }: TrainerSnapshot): Promise<void> {
    return this.#putBack(weights, optimizer, this.#policy.version + 1);
  }

  async checkpoint(): Promise<TrainerCheckpoint> {
    return {
      ...(await this.snapshot()),
      policyVersion: this.#policy.version,
      guards: this.guards,
      ...(this.#reference && { reference: await this.#reference.policy.weights() }),
    };
  }

  async restore(checkpoint: TrainerCheckpoint): Promise<void> {
    await this.#putBack(checkpoint.weights, checkpoint.optimizer, checkpoint.policyVersion);
    this.guards = checkpoint.guards ?? freshMemory;
    if (checkpoint.reference) {
      this.#reference ??= await Reference.copy(this.#policy);
      await this.#reference.policy.setWeights(checkpoint.reference, 0);
    } else this.#reference = undefined;
    this.step = checkpoint.step;
  }

  /** Frees the optimizer's state and programs; the policy stays. */
  async close(): Promise<void> {
    await this.#optimizer?.close();
    this.#optimizer = undefined;
  }

  async #putBack(weights: Weights, state: OptimizerState, version: number): Promise<void> {
    const optimizer = await this.optimizer();
    await this.#policy.setWeights(weights, version);
    await optimizer.setState(state);
  }
}

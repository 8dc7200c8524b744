import type { Policy } from "../policy/policy.ts";
import type { UnscoredRollout } from "./batch.ts";
import { Scorer } from "./scoring.ts";
import { tokenLogprobs } from "./token-logprobs.ts";

/** A policy kept as it was, to measure how far training has gone from it. */
export class Reference {
  readonly policy: Policy;
  readonly #scorer: Scorer;

  private constructor(policy: Policy) {
    this.policy = policy;
    this.#scorer = new Scorer(policy);
  }

  /** A copy of a policy as it is now. */
  static async copy(policy: Policy): Promise<Reference> {
    return new Reference(await policy.clone());
  }

  /** The rollouts with the reference's log-prob of each of their tokens. */
  async annotate<R extends UnscoredRollout>(rollouts: readonly R[], temperature: number): Promise<R[]> {
    const logprobs = await tokenLogprobs(this.policy, this.#scorer, rollouts, temperature);
    return rollouts.map((rollout, i) => ({ ...rollout, refLogprobs: logprobs[i]! }));
  }

  /** Becomes what a policy is now: its weights take this share, what the reference was keeps the rest. Default 1. */
  async follow(policy: Policy, share = 1): Promise<void> {
    const weights = await policy.weights();
    if (share < 1)
      for (const [name, before] of Object.entries(await this.policy.weights())) {
        const now = weights[name]!;
        for (let i = 0; i < now.length; i++) now[i] = (1 - share) * before[i]! + share * now[i]!;
      }
    await this.policy.setWeights(weights, policy.version);
  }

  /** Frees its weights and programs. */
  async close(): Promise<void> {
    await this.#scorer.close();
    await this.policy.engine.dispose(Object.values(this.policy.parameters));
  }
}

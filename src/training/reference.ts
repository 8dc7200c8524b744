import type { Policy } from "../policy/policy.ts";
import type { UnscoredRollout } from "./batch.ts";
import { lengthBucket } from "./optimizer.ts";
import { Scorer } from "./scoring.ts";

/** Rollouts scored at once. */
const chunk = 64;

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
    const annotated: R[] = [];
    for (let start = 0; start < rollouts.length; start += chunk) {
      const part = rollouts.slice(start, start + chunk);
      const longest = Math.max(...part.map(({ trajectory }) => trajectory.length));
      const length = lengthBucket(longest, this.policy.config.maxLength);
      const ids = new Int32Array(chunk * length).fill(this.policy.tokenizer.padId);
      const targets = ids.slice();
      part.forEach(({ trajectory }, row) => {
        ids.set(trajectory.ids, row * length);
        targets.set(trajectory.ids.slice(1), row * length);
      });
      const rows = { rows: chunk, length, ids, targets };
      const logprobs = await this.#scorer.logprobs(rows, temperature);
      part.forEach((rollout, row) => {
        const own = new Float32Array(rollout.trajectory.length);
        own.set(logprobs.subarray(row * length, row * length + own.length - 1), 1);
        annotated.push({ ...rollout, refLogprobs: own });
      });
    }
    return annotated;
  }
}

import type { Policy } from "../policy/policy.ts";
import type { UnscoredRollout } from "./batch.ts";
import { lengthBucket } from "./optimizer.ts";
import type { Scorer } from "./scoring.ts";

/** Rollouts scored at once. */
const chunk = 64;

/**
 * The log-prob of each token of rollouts under a policy, whoever sampled them; 0 for a rollout's first token, and for those
 * of a last output that reach beyond the policy's positions.
 */
export async function tokenLogprobs(
  policy: Policy,
  scorer: Scorer,
  rollouts: readonly UnscoredRollout[],
  temperature: number,
): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  for (let start = 0; start < rollouts.length; start += chunk) {
    const part = rollouts.slice(start, start + chunk);
    const longest = Math.max(...part.map(({ trajectory }) => trajectory.length));
    const length = lengthBucket(longest, policy.config.maxLength);
    const ids = new Int32Array(chunk * length).fill(policy.tokenizer.padId);
    const targets = ids.slice();
    part.forEach(({ trajectory }, row) => {
      ids.set(trajectory.ids.slice(0, length), row * length);
      targets.set(trajectory.ids.slice(1, length + 1), row * length);
    });
    const logprobs = await scorer.logprobs({ rows: chunk, length, ids, targets }, temperature);
    part.forEach(({ trajectory }, row) => {
      const own = new Float32Array(trajectory.length);
      own.set(logprobs.subarray(row * length, row * length + Math.min(own.length - 1, length)), 1);
      all.push(own);
    });
  }
  return all;
}

import type { TokenStatistics } from "./types.ts";

/**
 * Each trained token's share in the covariance of advantage and log-probability, (A - mean A) (logprob - mean logprob),
 * which is what makes entropy fall (Cui et al., arXiv:2505.22617).
 */
export function tokenCovariances({ advantages, logprobs, mask }: TokenStatistics): { index: number; value: number }[] {
  const trained = Array.from(mask).flatMap((kept, i) => (kept ? [i] : []));
  const mean = (values: ArrayLike<number>) => trained.reduce((sum, i) => sum + values[i]!, 0) / trained.length;
  const meanAdvantage = mean(advantages);
  const meanLogprob = mean(logprobs);
  return trained.map((index) => ({
    index,
    value: (advantages[index]! - meanAdvantage) * (logprobs[index]! - meanLogprob),
  }));
}

/** 1 at the given places of `length`. */
export function marked(length: number, indices: readonly number[]): Float32Array {
  const marks = new Float32Array(length);
  for (const index of indices) marks[index] = 1;
  return marks;
}

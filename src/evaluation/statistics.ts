import { InvalidInputError } from "../base/errors.ts";

function checkCounts(n: number, c: number, k: number): void {
  if (![n, c, k].every(Number.isInteger) || c < 0 || c > n || k < 1 || k > n) {
    throw new InvalidInputError(`pass@k needs whole numbers 0 <= c <= n and 1 <= k <= n, was n=${n}, c=${c}, k=${k}.`);
  }
}

/**
 * Unbiased probability that at least one of `k` samples is right, from `n` samples of which `c` are right:
 * 1 - C(n-c, k) / C(n, k), as a product so that nothing overflows.
 *
 * @see Chen et al., "Evaluating large language models trained on code", arXiv:2107.03374, section 2.1.
 */
export function passAtK(n: number, c: number, k: number): number {
  checkCounts(n, c, k);
  if (n - c < k) return 1;
  let allWrong = 1;
  for (let i = n - c + 1; i <= n; i++) allWrong *= 1 - k / i;
  return 1 - allWrong;
}

/** One sample's vote: samples with an equal key answered alike; undefined did not answer. */
export interface Vote {
  key: string | undefined;
  correct: boolean;
}

/**
 * Share of majority votes of `k` samples that are right (maj@k): the samples are taken in order, in groups of `k`, and
 * what is left over is not used. A tie counts with the share of right answers among the tied.
 *
 * @returns 0 for a group in which nobody answered.
 */
export function majorityAtK(votes: readonly Vote[], k: number): number {
  checkCounts(votes.length, 0, k);
  const groups = Math.floor(votes.length / k);
  let right = 0;
  for (let group = 0; group < groups; group++) {
    const counts = new Map<string, { votes: number; correct: boolean }>();
    for (const { key, correct } of votes.slice(group * k, (group + 1) * k)) {
      if (key === undefined) continue;
      const count = counts.get(key) ?? { votes: 0, correct };
      count.votes++;
      counts.set(key, count);
    }
    const most = Math.max(0, ...[...counts.values()].map((count) => count.votes));
    const leaders = [...counts.values()].filter((count) => count.votes === most);
    if (leaders.length > 0) right += leaders.filter((leader) => leader.correct).length / leaders.length;
  }
  return right / groups;
}

/** A share with the interval that holds the true one. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

/**
 * Wilson's score interval of a share, sensible also at 0 and 1 and for few observations.
 *
 * @param total number of independent observations.
 * @param z 1.96 for 95 %.
 * @see Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
 */
export function wilsonInterval(share: number, total: number, z = 1.959964): Estimate {
  if (!(total > 0) || !(share >= 0 && share <= 1)) {
    throw new InvalidInputError(
      `An interval needs a share from 0 to 1 of some observations, was ${share} of ${total}.`,
    );
  }
  const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const middle = share + (z * z) / (2 * total);
  const scale = 1 + (z * z) / total;
  return {
    value: share,
    low: Math.max(0, Math.min(share, (middle - spread) / scale)),
    high: Math.min(1, Math.max(share, (middle + spread) / scale)),
  };
}

/**
 * A percentile bootstrap interval of a mean: the values are drawn again with replacement, `rounds` times.
 *
 * @param random uniform draws in [0, 1); the same draws give the same interval.
 * @param level default 0.95.
 * @see Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).
 */
export function bootstrapInterval(
  values: readonly number[],
  random: () => number,
  { level = 0.95, rounds = 2000 }: { level?: number; rounds?: number } = {},
): Estimate {
  if (!values.length) throw new InvalidInputError("A bootstrap interval needs at least one value.");
  const means = Float64Array.from({ length: rounds }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[Math.floor(random() * values.length)]!;
    return sum / values.length;
  }).sort();
  const at = (share: number) => means[Math.min(rounds - 1, Math.max(0, Math.round(share * (rounds - 1))))]!;
  return { value: mean(values), low: at((1 - level) / 2), high: at((1 + level) / 2) };
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

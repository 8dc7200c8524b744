/**
 * Truncated importance sampling (Yao et al. 2025, "Your efficient RL framework secretly brings you off-policy RL
 * training"; the rollout correction of verl): the tokens were sampled by a policy pi_b that is not quite the one being
 * trained, because they are stale, edited, or of another sampler. The trainer's own log-probs of them at the step's start
 * take the place of those of the sampling, and each token's policy loss is weighted by how much likelier it was.
 *
 *   r_t = pi_old(t) / pi_b(t)                                  level "token"
 *   r   = product over the rollout's trained tokens of r_t     level "sequence"
 *   L_t = min(r, cap) · policyLoss(pi / pi_old, A)
 *
 * The weight has no gradient; KL penalty and entropy bonus are not weighted. Log-probs that differ by at most 5e-5, which is
 * more than one policy's sampler and trainer do, count as equal: the weight is exactly 1 then.
 */

export const importanceLevels = ["token", "sequence"] as const;
export type ImportanceLevel = (typeof importanceLevels)[number];

/** Log-probs of one policy from different programs lie this close together; half of what the ratio may be off 1. */
const tolerance = 5e-5;

/** The trainer's own log-prob, or the sampler's where the two are the same policy's. */
export const correctedLogprob = (own: number, behaviour: number): number =>
  Math.abs(own - behaviour) <= tolerance ? behaviour : own;

/**
 * The ratios of a rollout's trained tokens, before the cap.
 *
 * @param logRatios the trainer's log-prob of each of its trained tokens minus the sampler's.
 */
export function importanceRatios(logRatios: readonly number[], level: ImportanceLevel): number[] {
  if (level === "token") return logRatios.map(Math.exp);
  const ratio = Math.exp(logRatios.reduce((sum, value) => sum + value, 0));
  return logRatios.map(() => ratio);
}

/** Totals of the ratios over the trained tokens of mini-batches. */
export class ImportanceTotals {
  readonly #cap: number;
  #tokens = 0;
  #sum = 0;
  #largest = 0;
  #truncated = 0;

  constructor(cap: number) {
    this.#cap = cap;
  }

  add(ratios: Float32Array, mask: Float32Array): void {
    ratios.forEach((ratio, i) => {
      if (!mask[i]) return;
      this.#tokens++;
      this.#sum += ratio;
      this.#largest = Math.max(this.#largest, ratio);
      if (ratio > this.#cap) this.#truncated++;
    });
  }

  /** Of a step: nothing where no token was trained on. */
  metrics(): { importanceMean?: number; importanceMax?: number; importanceTruncated?: number } {
    if (!this.#tokens) return {};
    return {
      importanceMean: this.#sum / this.#tokens,
      importanceMax: this.#largest,
      importanceTruncated: this.#truncated / this.#tokens,
    };
  }
}

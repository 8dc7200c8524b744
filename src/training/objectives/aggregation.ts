/**
 * How per-token losses become one number. n: sequences with a trained token, l_i: trained tokens of sequence i, L: the
 * longest a response may be.
 *
 *   token-mean               sum over all tokens / sum of l_i           DAPO, CIR
 *   seq-mean-token-sum       1/n sum over i of (sum over t)             the textbook policy gradient
 *   seq-mean-token-mean      1/n sum over i of (sum over t) / l_i       GRPO
 *   seq-mean-token-sum-norm  1/n sum over i of (sum over t) / L         Dr. GRPO (arXiv:2503.20783)
 *
 * Names are verl's.
 */

export const lossAggregations = [
  "token-mean",
  "seq-mean-token-sum",
  "seq-mean-token-mean",
  "seq-mean-token-sum-norm",
] as const;
export type LossAggregation = (typeof lossAggregations)[number];

/**
 * What each token counts relative to the token mean: the loss is the token mean of weight times term.
 *
 * @param mask [rows * length], 1 where a token is trained on.
 * @param maxLength the longest that a response may be, for "seq-mean-token-sum-norm".
 */
export function tokenWeights(
  aggregation: LossAggregation,
  mask: Float32Array,
  { rows, length, maxLength }: { rows: number; length: number; maxLength: number },
): Float32Array {
  const weights = new Float32Array(mask.length);
  const counts = Array.from({ length: rows }, (_, row) =>
    mask.subarray(row * length, (row + 1) * length).reduce((sum, value) => sum + value, 0),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  const sequences = counts.filter((count) => count > 0).length;
  counts.forEach((count, row) => {
    if (!count) return;
    const divisor = { "token-mean": total, "seq-mean-token-sum": sequences, "seq-mean-token-mean": sequences * count }[
      aggregation as "token-mean"
    ];
    weights.fill(total / (divisor ?? sequences * maxLength), row * length, (row + 1) * length);
  });
  return weights;
}

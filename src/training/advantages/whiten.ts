const epsilon = 1e-8;

/**
 * Shifts and scales values to mean 0 and variance 1 over weighted entries, as verl's masked whitening does:
 * (x - mean) / sqrt(var + 1e-8), var unbiased.
 *
 * @param counts how often each value enters the statistics. Fewer than 2 in all: nothing is changed.
 */
export function whiten(values: Float64Array, counts: ArrayLike<number>): Float64Array {
  let total = 0;
  let sum = 0;
  values.forEach((value, i) => {
    total += counts[i]!;
    sum += value * counts[i]!;
  });
  if (total < 2) return values;
  const mean = sum / total;
  let squares = 0;
  values.forEach((value, i) => {
    squares += (value - mean) ** 2 * counts[i]!;
  });
  const deviation = Math.sqrt(squares / (total - 1) + epsilon);
  return values.map((value) => (value - mean) / deviation);
}

/** {@link whiten} over all tokens of ragged rows. */
export function whitenTokens(rows: readonly Float64Array[]): Float64Array[] {
  const flat = new Float64Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    flat.set(row, at);
    at += row.length;
  }
  const whitened = whiten(flat, new Uint8Array(flat.length).fill(1));
  at = 0;
  return rows.map((row) => {
    at += row.length;
    return whitened.subarray(at - row.length, at);
  });
}

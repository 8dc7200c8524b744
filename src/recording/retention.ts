/** What is known of a checkpoint when it is decided whether to keep it. */
export interface StoredCheckpoint {
  readonly step: number;
  /** Size of its files. */
  readonly bytes: number;
  /** The mark that a person gave it. */
  readonly label?: string;
}

/** Which checkpoints of a run are kept. The first, the last and marked ones always are. */
export interface RetentionRules {
  /** How many of the newest. */
  readonly keepLast: number;
  /** Those whose step is a multiple of it; 0: none for that. */
  readonly keepEvery: number;
  /** Bytes that all of them may take together. The oldest go first, and those that are always kept never. */
  readonly maxBytes: number;
}

/**
 * The steps of the checkpoints that the rules do not keep.
 *
 * @example
 * surplusCheckpoints(checkpoints, { keepLast: 3, keepEvery: 100, maxBytes: 1e9 });
 */
export function surplusCheckpoints(checkpoints: readonly StoredCheckpoint[], rules: RetentionRules): number[] {
  const sorted = [...checkpoints].sort((a, b) => a.step - b.step);
  const always = (at: number) => at === 0 || at === sorted.length - 1 || sorted[at]!.label !== undefined;
  const kept = sorted.map(
    ({ step }, at) =>
      always(at) || at >= sorted.length - rules.keepLast || (rules.keepEvery > 0 && step % rules.keepEvery === 0),
  );
  let bytes = sorted.reduce((sum, checkpoint, at) => sum + (kept[at] ? checkpoint.bytes : 0), 0);
  for (let at = 0; at < sorted.length && bytes > rules.maxBytes; at++) {
    if (!kept[at] || always(at)) continue;
    kept[at] = false;
    bytes -= sorted[at]!.bytes;
  }
  return sorted.filter((_, at) => !kept[at]).map(({ step }) => step);
}

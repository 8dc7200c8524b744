import type { Alert } from "./types.ts";

/**
 * Whether going back once more is enough of it: from some number of times `within` so many steps on, what the guards find
 * does not go away by itself, and training pauses. A person who lets it go on gets as many attempts again.
 *
 * @param before the steps in which guards went back before, as far as they count.
 * @param step the step in which they do so now.
 * @returns the steps to remember, and an alert that pauses.
 */
export function limitRollbacks(
  { count, within }: { readonly count: number; readonly within: number },
  before: readonly number[],
  step: number,
): { readonly rollbacks: readonly number[]; readonly alert?: Alert } {
  const rollbacks = [...before.filter((one) => one > step - within), step];
  if (rollbacks.length < count) return { rollbacks };
  const alert: Alert = {
    guard: "rollbackLimit",
    metric: "rollbacks",
    value: rollbacks.length,
    limit: count,
    step,
    action: "pause",
    message: `guards went back in ${rollbacks.length} of the last ${within} steps (${rollbacks.join(", ")}): training pauses`,
    hint: "Going back does not mend the cause: lower the learning rate, or rewind further and change what the alerts tell of.",
    rollouts: [],
  };
  return { rollbacks: [], alert };
}

import { InvalidInputError } from "../../base/errors.ts";
import { grpo } from "./grpo.ts";
import { reinforcePlusPlusBaseline } from "./reinforce-plus-plus-baseline.ts";
import type { AdvantageEstimator } from "./types.ts";

/** Advantage estimators by name. */
export const advantageEstimators: Readonly<Record<string, AdvantageEstimator>> = {
  "reinforce++-baseline": reinforcePlusPlusBaseline,
  grpo,
};

/** @throws InvalidInputError for an unknown name, listing the known ones. */
export function advantageEstimator(name: string): AdvantageEstimator {
  const estimator = advantageEstimators[name];
  if (!estimator)
    throw new InvalidInputError(
      `Unknown advantage estimator "${name}".`,
      `Known: ${Object.keys(advantageEstimators).join(", ")}.`,
    );
  return estimator;
}

import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import { parseInput } from "../../base/schema.ts";
import { ownPart } from "../parts/named.ts";
import { type EstimatorFunction, estimator, OwnEstimator } from "../parts/own-estimator.ts";
import { drGrpo } from "./dr-grpo.ts";
import { gae } from "./gae.ts";
import { grpo } from "./grpo.ts";
import { normalisationSchema, normalised } from "./normalised.ts";
import { opo } from "./opo.ts";
import { otcGrpo } from "./otc.ts";
import { reinforce } from "./reinforce.ts";
import { reinforcePlusPlus } from "./reinforce-plus-plus.ts";
import { reinforcePlusPlusBaseline } from "./reinforce-plus-plus-baseline.ts";
import { remax } from "./remax.ts";
import { rloo } from "./rloo.ts";
import { tapo } from "./tapo.ts";
import type { AdvantageEstimator, AdvantageInput, AdvantageNeed, AdvantageResult } from "./types.ts";

/** Advantage estimators by name. */
export const advantageEstimators = {
  "reinforce++-baseline": reinforcePlusPlusBaseline,
  "reinforce++": reinforcePlusPlus,
  reinforce,
  grpo,
  "dr-grpo": drGrpo,
  rloo,
  remax,
  opo,
  gae,
  tapo,
  "otc-grpo": otcGrpo,
} as const satisfies Readonly<Record<string, AdvantageEstimator>>;

export type AdvantageEstimatorName = keyof typeof advantageEstimators;

const names = Object.keys(advantageEstimators) as [AdvantageEstimatorName, ...AdvantageEstimatorName[]];

/** An estimator's name, the choices that make one, or one of the user's own. */
export const advantageEstimatorSchema = z.union([
  z.enum(names),
  normalisationSchema,
  ownPart<OwnEstimator, EstimatorFunction>(OwnEstimator, estimator),
]);

export type AdvantageEstimatorChoice = z.input<typeof advantageEstimatorSchema>;

/**
 * Advantages of a batch.
 *
 * @throws InvalidInputError for an unknown estimator, one that does not fit the batch (no critic, groups too small), and
 * rewards that are not finite; the message says which.
 */
export function estimateAdvantages(choice: AdvantageEstimatorChoice, input: AdvantageInput): AdvantageResult {
  const estimator = estimatorOf(choice);
  checkInput(estimatorName(choice), estimator, input);
  return estimator.estimate(input);
}

/** @throws InvalidInputError for an unknown name or choice, with what is known. */
export function estimatorOf(choice: AdvantageEstimatorChoice): AdvantageEstimator {
  const checked = parseInput(advantageEstimatorSchema, choice, "advantage estimator");
  if (checked instanceof OwnEstimator) return checked;
  return typeof checked === "string" ? advantageEstimators[checked] : normalised(checked);
}

/** What an estimator is called in reports: its name, or its choices as JSON. */
export const estimatorName = (choice: AdvantageEstimatorChoice): string =>
  typeof choice === "string" ? choice : "name" in choice ? choice.name : JSON.stringify(choice);

function checkInput(name: string, estimator: AdvantageEstimator, input: AdvantageInput): void {
  const { rewards, groups } = input;
  if (!rewards.length) throw new InvalidInputError(`Advantages by ${name}: the batch is empty.`);
  const bad = rewards.findIndex((reward) => !Number.isFinite(reward));
  if (bad >= 0)
    throw new InvalidInputError(
      `Advantages by ${name}: the reward of rollout ${bad} is ${rewards[bad]}.`,
      "A reward must be a finite number; look at the reward function's answer for this rollout.",
    );
  for (const need of estimator.needs ?? [])
    if (!input[need])
      throw new InvalidInputError(
        `The advantage estimator ${name} needs ${needed[need]}.`,
        remedies[need] ?? "Choose another one.",
      );
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const most = Math.max(...sizes.values());
  if (most < (estimator.minGroupSize ?? 1))
    throw new InvalidInputError(
      `The advantage estimator ${name} compares the rollouts of a prompt, but no prompt has more than ${most}.`,
      "Raise numGenerations, or choose reinforce, reinforce++ or gae.",
    );
}

const needed = {
  trainedCounts: "the number of trained tokens of each rollout",
  values: "a critic's values",
  baselines: "the rewards of greedy rollouts",
  turns: "the turn of each token",
  turnRewards: "rewards of turns",
  toolCalls: "the number of tool calls of each rollout",
  correct: "the verdict on each rollout",
} as const;

/** What to do about a need that the trainer cannot meet by itself. */
const remedies: Partial<Record<AdvantageNeed, string>> = {
  values: "Score the batch with trainer.score(batch): with this estimator configured it asks the critic.",
  turnRewards:
    "Give a reward whose results have turnRewards, such as rewards.executedTurns(rewards.boxedAnswer()), or choose gae.",
};

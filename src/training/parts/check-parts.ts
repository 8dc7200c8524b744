import { InvalidInputError } from "../../base/errors.ts";
import { nearestNames } from "../../base/nearest.ts";
import type { Part } from "../../parts/index.ts";
import { advantageEstimators } from "../advantages/index.ts";
import { scheduledSettings, type TrainerConfig } from "../config.ts";
import { metricGlossary } from "../metric-glossary.ts";
import { policyLosses } from "../objectives/index.ts";
import { OwnEstimator } from "./own-estimator.ts";
import { OwnFilter } from "./own-filter.ts";
import { OwnGuard } from "./own-guard.ts";
import { OwnObjective } from "./own-objective.ts";
import { OwnSchedule } from "./own-schedule.ts";

/** Names that are the lab's, by kinds of parts. */
const taken: Readonly<Partial<Record<Part["kind"], Iterable<string>>>> = {
  estimator: Object.keys(advantageEstimators),
  objective: Object.keys(policyLosses),
  filter: ["zeroVariance", "voidTurn", "forgedOutput", "overlong", "repetition"],
  guard: Object.keys(metricGlossary),
};

/** The parts of the user's own in a configuration. */
export function partsIn(config: TrainerConfig): Part[] {
  const { advantageEstimator, policyLoss, filters, guards } = config;
  const parts: Part[] = [];
  if (advantageEstimator instanceof OwnEstimator) parts.push(advantageEstimator);
  if (policyLoss instanceof OwnObjective) parts.push(policyLoss);
  parts.push(...filters.filter((filter) => filter instanceof OwnFilter));
  parts.push(...guards.filter((guard) => guard instanceof OwnGuard));
  parts.push(...Object.values(scheduledSettings(config)).filter((value) => value instanceof OwnSchedule));
  return parts;
}

/**
 * Looks at the parts of the user's own in a configuration: their names, the settings that objectives read, what an
 * estimator says of a made-up batch of the configuration's size.
 *
 * @throws InvalidInputError naming the part and what is wrong with it.
 */
export function checkParts(config: TrainerConfig): void {
  const parts = partsIn(config);
  for (const { kind, name, hash } of parts) {
    if (parts.some((other) => other.kind === kind && other.name === name && other.hash !== hash))
      throw new InvalidInputError(
        `Two different parts of your own are the ${kind} ${JSON.stringify(name)}.`,
        "Give one of them another name.",
      );
    if ([...(taken[kind] ?? [])].includes(name))
      throw new InvalidInputError(
        `A ${kind} of your own is called ${JSON.stringify(name)}, which is the name of ${kind === "guard" ? "a metric" : `the lab's own ${kind}`}.`,
        "Give it another name.",
      );
  }
  const { advantageEstimator, policyLoss, promptsPerStep, numGenerations } = config;
  if (advantageEstimator instanceof OwnEstimator) advantageEstimator.try(promptsPerStep, numGenerations);
  if (!(policyLoss instanceof OwnObjective)) return;
  const numbers = Object.keys(config).filter(
    (key) => key in scheduledSettings(config) || typeof config[key as keyof TrainerConfig] === "number",
  );
  for (const setting of [...policyLoss.settings, ...(policyLoss.selectionSettings ?? [])]) {
    if (numbers.includes(setting)) continue;
    const near = nearestNames(setting, numbers);
    throw new InvalidInputError(
      `The objective ${JSON.stringify(policyLoss.name)} reads the setting ${JSON.stringify(setting)}, which is no number of the configuration.`,
      near.length ? `Did you mean ${near.join(" or ")}?` : "Write a number of its own into its code.",
    );
  }
}

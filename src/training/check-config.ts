import { InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { estimatorName, estimatorOf } from "./advantages/index.ts";
import { type TrainerConfig, trainerConfigSchema } from "./config.ts";
import { checkParts } from "./parts/check-parts.ts";
import { largestValue } from "./schedule.ts";

/**
 * A complete configuration whose settings fit each other and a policy of so many `positions`.
 *
 * @throws InvalidInputError naming every setting that is unknown or out of range.
 */
export function checkedConfig(settings: unknown, positions: number): TrainerConfig {
  const config = parseInput(trainerConfigSchema, settings, "trainer configuration");
  if (config.promptsPerStep % config.miniBatches)
    throw new InvalidInputError(
      `promptsPerStep (${config.promptsPerStep}) must be a multiple of miniBatches (${config.miniBatches}).`,
    );
  const smallest = estimatorOf(config.advantageEstimator).minGroupSize ?? 1;
  if (config.numGenerations < smallest)
    throw new InvalidInputError(
      `advantageEstimator ${estimatorName(config.advantageEstimator)} compares rollouts of a prompt: numGenerations must be at least ${smallest}, was ${config.numGenerations}.`,
    );
  checkParts(config);
  const maxLength = largestValue(config.maxLength);
  if (maxLength > positions)
    throw new InvalidInputError(`maxLength (${maxLength}) is more than the policy's ${positions} positions.`);
  return config;
}

import type { TrainingRows } from "./batch.ts";
import type { StepConfig } from "./config.ts";
import { tokenWeights } from "./objectives/aggregation.ts";
import { composeObjective, objectiveArrays, objectiveScalars } from "./objectives/compose.ts";
import type { ImportanceLevel } from "./objectives/importance.ts";
import { policyLossName, policyLossOf } from "./objectives/index.ts";
import type { PolicyLoss } from "./objectives/types.ts";
import type { NamedLoss } from "./optimizer.ts";

/** What the objective needs beyond the rows. */
export interface ObjectiveExtras {
  /** Draws for losses that choose tokens at random. */
  readonly random: () => number;
  /** A step with a ratio this far from 1 changes nothing. Default: any ratio will do. */
  readonly maxRatioDeviation?: number;
}

/** Larger than any ratio; not infinity, which devices compare differently. */
const anyRatio = 1e30;

/** The objective that a configuration asks for, and how to fill its inputs. */
export interface StepObjective extends NamedLoss {
  inputs(rows: TrainingRows, extras: ObjectiveExtras): Record<string, Float32Array | number>;
}

/** Whether a configuration needs log-probs of a reference policy. */
export const needsReference = (config: Pick<StepConfig, "klCoef">): boolean => config.klCoef > 0;

/** How a configuration's rows correct for rollouts of another policy, if they do. */
export const importanceLevelOf = (config: StepConfig): ImportanceLevel | undefined =>
  config.importanceCap > 0 ? config.importanceLevel : undefined;

/** The objective of one step. */
export function stepObjective(config: StepConfig): StepObjective {
  const loss: PolicyLoss = policyLossOf(config.policyLoss);
  const shape = {
    loss,
    kl: needsReference(config) && config.klIn === "loss" ? config.klForm : undefined,
    entropyBonus: config.entropyCoef !== 0,
    weighted: config.lossAggregation !== "token-mean",
    importance: config.importanceCap > 0,
  };
  const values = (names: readonly string[] = []) =>
    Object.fromEntries(names.map((name) => [name, config[name as keyof StepConfig] as number]));
  return {
    name: [
      policyLossName(config.policyLoss),
      shape.kl,
      shape.entropyBonus && "entropy",
      shape.weighted && "weighted",
      shape.importance && "importance",
    ]
      .filter(Boolean)
      .join(" "),
    loss: composeObjective(shape),
    inputs(rows, { random, maxRatioDeviation = anyRatio }) {
      const { advantages, oldLogprobs, refLogprobs, mask } = rows;
      const inputs: Record<string, Float32Array | number> = {
        [objectiveArrays.advantages]: advantages,
        [objectiveArrays.oldLogprobs]: oldLogprobs,
        [objectiveScalars.maxDeviation]: maxRatioDeviation,
        ...values(loss.settings),
      };
      if (loss.select)
        inputs[objectiveArrays.selected] = loss.select(
          { advantages, logprobs: oldLogprobs, mask, random },
          values(loss.selectionSettings),
        );
      if (shape.kl) {
        inputs[objectiveArrays.refLogprobs] = refLogprobs;
        inputs[objectiveScalars.klCoef] = config.klCoef;
      }
      if (shape.importance)
        inputs[objectiveArrays.importance] = rows.importance.map((ratio) => Math.min(ratio, config.importanceCap));
      if (shape.entropyBonus) inputs[objectiveScalars.entropyCoef] = config.entropyCoef;
      if (shape.weighted) {
        const { rows: count, length } = rows;
        const maxLength = config.maxLength;
        inputs[objectiveArrays.tokenWeights] = tokenWeights(config.lossAggregation, mask, {
          rows: count,
          length,
          maxLength,
        });
      }
      return inputs;
    },
  };
}

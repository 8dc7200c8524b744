/**
 * Groups whose rollouts all got the same reward teach nothing under a group baseline. DAPO's dynamic sampling
 * (arXiv:2503.14476, section 3.2) leaves them out and collects further prompts until the batch is full; see `refill`.
 */

import { z } from "zod";
import { shapedReward } from "../batch.ts";
import { zeroVarianceGroups } from "../rollout-traits.ts";
import type { Judge } from "./types.ts";

export const zeroVarianceSchema = z.strictObject({
  name: z.literal("zeroVariance"),
  /** Default false: as if the group had not been collected. */
  inStatistics: z.boolean().default(false),
  /** Rounds of further prompts, each as many as are missing; 0 only masks. */
  maxRefills: z.int().nonnegative().default(0),
});

export type ZeroVarianceOptions = z.output<typeof zeroVarianceSchema>;

export const zeroVariance: Judge<ZeroVarianceOptions> = (rollouts) => {
  const same = zeroVarianceGroups(rollouts);
  return rollouts.map((rollout) => {
    const { group } = rollout;
    if (!same.has(group)) return undefined;
    return { mask: true, reason: `every rollout of prompt ${group} got ${shapedReward(rollout)}` };
  });
};

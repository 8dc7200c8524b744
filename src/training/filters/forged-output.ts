/** Rollouts in which the policy wrote an output block itself: a right answer after it was luck, or learnt by heart. */

import { z } from "zod";
import { hasForgedOutput } from "../rollout-traits.ts";
import type { Judge } from "./types.ts";

export const forgedOutputSchema = z.strictObject({
  name: z.literal("forgedOutput"),
  inStatistics: z.boolean().default(true),
});

export const forgedOutput: Judge<z.output<typeof forgedOutputSchema>> = (rollouts) =>
  rollouts.map((rollout) =>
    hasForgedOutput(rollout) ? { mask: true, reason: "the policy wrote an output block itself" } : undefined,
  );

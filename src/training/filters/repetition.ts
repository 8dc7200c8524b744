/** Rollouts that go round in circles: some run of tokens comes again and again. */

import { z } from "zod";
import { mostRepeated, repetitionDefaults } from "../rollout-traits.ts";
import type { Judge } from "./types.ts";

export const repetitionSchema = z.strictObject({
  name: z.literal("repetition"),
  inStatistics: z.boolean().default(true),
  /** Length of the runs of sampled tokens that are counted. */
  ngram: z.int().positive().default(repetitionDefaults.ngram),
  /** How often one must come, overlaps counted. */
  times: z.int().min(2).default(repetitionDefaults.times),
});

export const repetition: Judge<z.output<typeof repetitionSchema>> = (rollouts, { ngram, times }) =>
  rollouts.map((rollout) => {
    const most = mostRepeated(rollout, ngram);
    return most >= times ? { mask: true, reason: `${ngram} tokens come ${most} times` } : undefined;
  });

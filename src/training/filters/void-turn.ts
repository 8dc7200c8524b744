/**
 * Void turns (SimpleTIR, arXiv:2509.02479): a turn of the policy with neither a complete block of code nor an answer. The
 * whole rollout leaves the loss, since such turns come with the unlikely tokens that make gradients explode.
 *
 * A turn that was followed by a tool's output had a complete block; only the last one can be void. A rollout that was cut
 * before its last turn began has no such turn.
 */

import { z } from "zod";
import { lastBoxed } from "../../reward/index.ts";
import { findCodeBlock } from "../../rollout/boundary.ts";
import type { Judge } from "./types.ts";

export const voidTurnSchema = z.strictObject({
  name: z.literal("voidTurn"),
  inStatistics: z.boolean().default(true),
});

export const voidTurn: Judge<z.output<typeof voidTurnSchema>> = (rollouts) =>
  rollouts.map(({ trajectory }) => {
    const { ids, sources, toolCalls, tokenizer, promptLength } = trajectory;
    const start = toolCalls.at(-1)?.end ?? promptLength;
    if (!sources.includes("sampled", start)) return undefined;
    const text = tokenizer.decode(ids.slice(start));
    if (findCodeBlock(text) || lastBoxed(text) !== undefined) return undefined;
    return { mask: true, reason: `turn ${toolCalls.length + 1} has neither a complete block of code nor an answer` };
  });

/**
 * Soft punishment of overlong responses: 0 up to `maxTokens - buffer` tokens, then down to `-factor` at `maxTokens`, and
 * further along the same line: min(0, -(L - (maxTokens - buffer)) / buffer * factor).
 *
 * In CIR's code (arXiv:2505.24480, reward_manager/still.py: maxTokens 4096, factor 1), switched off in its run; DAPO's
 * rule (arXiv:2503.14476), which stops at `-factor` because no response is longer than `maxTokens`.
 */
import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import type { Reward } from "./types.ts";

const overlongSchema = z
  .strictObject({
    maxTokens: z.int().positive(),
    buffer: z.int().positive(),
    factor: z.number().positive().default(1),
  })
  .refine(({ maxTokens, buffer }) => buffer <= maxTokens, { path: ["buffer"], message: "it is longer than maxTokens" });

/** Options of {@link overlong}: tokens of the longest response, tokens over which the punishment grows, its size. */
export type OverlongOptions = z.input<typeof overlongSchema>;

/**
 * A term to add with `rewards.sum`; `correct` means that nothing was punished.
 *
 * @throws InvalidInputError when scored without the number of tokens.
 */
export function overlong(options: OverlongOptions): Reward {
  const { maxTokens, buffer, factor } = parseInput(overlongSchema, options, "options of overlong");
  return {
    name: "overlong",
    score({ tokens }) {
      if (tokens === undefined)
        throw new InvalidInputError("overlong needs the length of the response.", "Score with { tokens }.");
      const over = Math.max(0, tokens - (maxTokens - buffer));
      return { reward: over ? (-over / buffer) * factor : 0, correct: over === 0, detail: { tokens, over } };
    },
  };
}

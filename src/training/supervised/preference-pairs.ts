import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import type { ChatMessageInput } from "../../policy/chat/index.ts";
import type { ScoredRollout } from "../batch.ts";
import { type Sample, type SampleOptions, type SftExample, sampleLine, sampleLineSchema, sampleOf } from "./samples.ts";

/** Two answers to one prompt, of which the first is the better: as texts, as messages (TRL's forms), or as rollouts. */
export type PreferenceExample =
  | { readonly prompt: string; readonly chosen: string; readonly rejected: string }
  | {
      readonly prompt: readonly ChatMessageInput[];
      readonly chosen: readonly ChatMessageInput[];
      readonly rejected: readonly ChatMessageInput[];
    }
  | { readonly chosen: Exclude<SftExample, string>; readonly rejected: Exclude<SftExample, string> };

/** A pair as tokens. */
export interface PreferencePair {
  readonly chosen: Sample;
  readonly rejected: Sample;
}

/** A pair with the log-probs of its trained tokens under the reference policy, summed. */
export interface ScoredPair extends PreferencePair {
  readonly refLogprobs: readonly [chosen: number, rejected: number];
}

/**
 * Preferences from a batch of scored rollouts: of each prompt, right answers over wrong ones, each pair of different
 * rollouts at most once. A prompt whose answers are all right or all wrong gives none.
 *
 * @param options `maxPerPrompt`: default 4, and never more than it takes for every rollout to be in one.
 * @example
 * const pairs = preferencePairs(await trainer.collect());
 */
export function preferencePairs(
  { rollouts }: { readonly rollouts: readonly ScoredRollout[] },
  { maxPerPrompt = 4 }: { maxPerPrompt?: number } = {},
): { chosen: ScoredRollout; rejected: ScoredRollout }[] {
  if (!Number.isInteger(maxPerPrompt) || maxPerPrompt < 1)
    throw new InvalidInputError(`maxPerPrompt must be a whole number of at least 1, was ${maxPerPrompt}.`);
  const groups = [...new Set(rollouts.map(({ group }) => group))];
  return groups.flatMap((group) => {
    const siblings = rollouts.filter((rollout) => rollout.group === group);
    const right = siblings.filter(({ reward }) => reward.correct);
    const wrong = siblings.filter(({ reward }) => !reward.correct);
    if (!right.length || !wrong.length) return [];
    const count = Math.min(maxPerPrompt, Math.max(right.length, wrong.length));
    return Array.from({ length: count }, (_, i) => ({
      chosen: right[i % right.length]!,
      rejected: wrong[i % wrong.length]!,
    }));
  });
}

/** @throws InvalidInputError naming the pair that cannot be read, or whose answers are the same or have no token that counts. */
export function pairOf(
  example: PreferenceExample | PreferencePair,
  place: number,
  options: SampleOptions,
): PreferencePair {
  if (typeof example !== "object" || example === null || !("chosen" in example) || !("rejected" in example))
    throw new InvalidInputError(
      `Example ${place}: it has no chosen and rejected: ${JSON.stringify(example)?.slice(0, 80)}.`,
    );
  const pair = isPair(example) ? example : read(example, place, options);
  const { chosen, rejected } = pair;
  for (const [name, { trained }] of Object.entries({ chosen, rejected }))
    if (!trained.some((counts, i) => counts && i > 0))
      throw new InvalidInputError(`Example ${place}: no token of ${name} counts.`);
  if (String(chosen.ids) === String(rejected.ids))
    throw new InvalidInputError(`Example ${place}: chosen and rejected are the same.`);
  return pair;
}

const isPair = (example: PreferenceExample | PreferencePair): example is PreferencePair =>
  typeof example.chosen === "object" && "trained" in example.chosen;

function read(example: PreferenceExample, place: number, options: SampleOptions): PreferencePair {
  if (!("prompt" in example))
    return { chosen: sampleOf(example.chosen, place, options), rejected: sampleOf(example.rejected, place, options) };
  const { prompt, chosen, rejected } = example;
  if (typeof prompt === "string" && typeof chosen === "string" && typeof rejected === "string") {
    const answer = (completion: string) => sampleOf({ prompt, completion }, place, options);
    return { chosen: answer(chosen), rejected: answer(rejected) };
  }
  if (!Array.isArray(prompt) || !Array.isArray(chosen) || !Array.isArray(rejected))
    throw new InvalidInputError(
      `Example ${place}: prompt, chosen and rejected are all texts, or all lists of messages.`,
    );
  const before = options.template.encode(prompt as ChatMessageInput[]).ids.length;
  const answer = (messages: readonly ChatMessageInput[]): Sample => {
    const sample = sampleOf({ messages: [...prompt, ...messages] }, place, options);
    // What the assistant said in the prompt is the same in both.
    return { ...sample, trained: sample.trained.map((counts, i) => counts && i >= before) };
  };
  return { chosen: answer(chosen), rejected: answer(rejected) };
}

/** A pair as a line of a file. */
export const pairLineSchema = z.strictObject({
  chosen: sampleLineSchema,
  rejected: sampleLineSchema,
  refLogprobs: z.tuple([z.number(), z.number()]),
});

export const pairLine = ({ chosen, rejected, refLogprobs }: ScoredPair) => ({
  chosen: sampleLine(chosen),
  rejected: sampleLine(rejected),
  refLogprobs,
});

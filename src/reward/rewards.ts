import { z } from "zod";
import { parseInput } from "../base/schema.ts";
import { lastBoxed, sameAnswer } from "./answer.ts";
import { closedFences, singleBox, tags } from "./format.ts";
import { Grader } from "./grader.ts";
import { integer } from "./integer.ts";
import { overlong } from "./overlong.ts";
import { asReward, madeByTheLab, type RewardLike } from "./own.ts";
import { toolCalls } from "./tool-calls.ts";
import { executedTurns, sumTurnRewards } from "./turns.ts";
import type { Reward } from "./types.ts";
import { unitTests } from "./unit-tests/reward.ts";

const boxedAnswerSchema = z.strictObject({
  correct: z.number().default(1),
  incorrect: z.number().default(-1),
  grader: z.custom<Grader>((value) => value instanceof Grader, "must be a Grader").optional(),
});

/** The rewards that come with the lab. */
export const rewards = madeByTheLab({
  /**
   * CIR's outcome reward: `correct` (1) when the last `\boxed{…}` of the policy's own text equals the task's answer,
   * else `incorrect` (-1), also when there is no box. No reward for format or for code that runs.
   *
   * @param options.grader decides in place of {@link sameAnswer}; the verdict's `how` and `notes` are in
   * `detail`. It stays the caller's to close, and where it fails the reward rejects with GraderFailure.
   * @see arXiv:2505.24480; `reward_score/code_format.py` of its code. Equality is {@link sameAnswer}, not math-verify.
   */
  boxedAnswer(options: { correct?: number; incorrect?: number; grader?: Grader } = {}): Reward {
    const {
      correct: right,
      incorrect: wrong,
      grader,
    } = parseInput(boxedAnswerSchema, options, "options of boxedAnswer");
    return {
      name: "boxedAnswer",
      async score({ task, text }) {
        const answer = lastBoxed(text);
        const found = { answer: answer ?? null, expected: task.answer };
        if (grader && answer !== undefined) {
          const { equal, how, notes } = await grader.grade(task.answer, answer);
          return { reward: equal ? right : wrong, correct: equal, detail: { ...found, how, notes } };
        }
        const correct = answer !== undefined && sameAnswer(answer, task.answer);
        return { reward: correct ? right : wrong, correct, detail: found };
      },
    };
  },

  integer,
  unitTests,
  toolCalls,
  tags,
  singleBox,
  closedFences,
  overlong,
  executedTurns,

  /**
   * The sum of several rewards, and of what they give turns. The first is the main one: its verdict decides `correct`.
   *
   * @param terms rewards, or `[weight, reward]`.
   */
  sum(
    terms: readonly [RewardLike | readonly [number, RewardLike], ...(RewardLike | readonly [number, RewardLike])[]],
  ): Reward {
    const weighted = terms.map((term) => {
      const [weight, given] = Array.isArray(term) ? (term as [number, RewardLike]) : [1, term as RewardLike];
      return [weight, asReward(given)] as const;
    });
    return {
      name: weighted.map(([weight, { name }]) => (weight === 1 ? name : `${weight} ${name}`)).join(" + "),
      terms: weighted.map(([, term]) => term),
      async score(input) {
        const parts = await Promise.all(weighted.map(([, reward]) => reward.score(input)));
        const turnRewards = sumTurnRewards(
          parts.map((part, i) => ({ weight: weighted[i]![0], turnRewards: part.turnRewards })),
        );
        return {
          reward: parts.reduce((sum, part, i) => sum + weighted[i]![0] * part.reward, 0),
          correct: parts[0]!.correct,
          detail: { terms: parts.map((part, i) => ({ name: weighted[i]![1].name, weight: weighted[i]![0], ...part })) },
          ...(turnRewards && { turnRewards }),
        };
      },
    };
  },
});

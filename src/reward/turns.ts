/**
 * Rewards of single turns, for estimators that credit them (TAPO, arXiv:2506.11442).
 *
 * A reward of your own gives them by `turnRewards` in its result, one for each of the `turns` that it sees:
 *
 *   const checking = reward("outcome and assertions", ({ task, text, turns = [] }) => {
 *     const correct = text.includes(`\\boxed{${task.answer}}`);
 *     const turnRewards = turns.map(({ text, execution }) =>
 *       execution
 *         ? { kind: "verification" as const, reward: text.includes("assert") && execution.status === "ok" ? 1 : 0 }
 *         : { kind: "generation" as const, reward: 0 });
 *     return { reward: correct ? 1 : -1, correct, turnRewards };
 *   });
 */

import { z } from "zod";
import { InvalidInputError } from "../base/errors.ts";
import { parseInput } from "../base/schema.ts";
import { asReward, type RewardLike } from "./own.ts";
import type { Reward, RewardInput, RewardResult, TurnReward } from "./types.ts";

const optionsSchema = z.strictObject({ ok: z.number().default(0.5), error: z.number().default(0) });

/**
 * Another reward, and what each turn earned by itself: a turn that ended with an execution is a verification and gets `ok`
 * (0.5) when it ran without an error, else `error` (0); the answer's turn is a generation and gets nothing but the outcome.
 * Estimators without turns see the outcome only. Beware: code that checks nothing also runs without an error.
 *
 * @example
 * new Trainer({ advantageEstimator: "tapo", reward: rewards.executedTurns(rewards.boxedAnswer()), ... });
 */
export function executedTurns(given: RewardLike, options: { ok?: number; error?: number } = {}): Reward {
  const { ok, error } = parseInput(optionsSchema, options, "options of executedTurns");
  const outcome = asReward(given);
  return {
    name: `${outcome.name} with executed turns ${ok}/${error}`,
    terms: [outcome],
    async score(input) {
      const turnRewards = (input.turns ?? []).map(({ execution }): TurnReward => {
        if (!execution) return { kind: "generation", reward: 0 };
        return { kind: "verification", reward: execution.status === "ok" ? ok : error };
      });
      return { ...(await outcome.score(input)), turnRewards };
    },
  };
}

/**
 * A verdict whose turn rewards, if it has any, fit the response: one finite number for each turn.
 *
 * @throws InvalidInputError naming the reward and the turn.
 */
export function checkTurnRewards(name: string, { turns = [] }: RewardInput, result: RewardResult): RewardResult {
  const { turnRewards } = result;
  if (!turnRewards) return result;
  if (turnRewards.length !== turns.length)
    throw new InvalidInputError(
      `The reward ${JSON.stringify(name)} gives ${turnRewards.length} turn rewards for a response of ${turns.length} turns.`,
      "Map the input's turns: turns.map((turn) => ({ kind, reward })).",
    );
  turnRewards.forEach(({ kind, reward }, turn) => {
    if ((kind === "generation" || kind === "verification") && Number.isFinite(reward)) return;
    throw new InvalidInputError(
      `The reward ${JSON.stringify(name)} gives turn ${turn} ${JSON.stringify({ kind, reward: String(reward) })}.`,
      'A turn reward is { kind: "generation" | "verification", reward: a finite number }.',
    );
  });
  return result;
}

/**
 * Turn rewards of weighted verdicts, turn by turn; kinds are those of the first that has any.
 *
 * @returns undefined where none has any.
 */
export function sumTurnRewards(
  parts: readonly { readonly weight: number; readonly turnRewards?: readonly TurnReward[] | undefined }[],
): readonly TurnReward[] | undefined {
  const having = parts.flatMap(({ weight, turnRewards }) => (turnRewards ? [{ weight, turnRewards }] : []));
  return having[0]?.turnRewards.map(({ kind }, turn) => ({
    kind,
    reward: having.reduce((sum, { weight, turnRewards }) => sum + weight * (turnRewards[turn]?.reward ?? 0), 0),
  }));
}

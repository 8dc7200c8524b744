import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import { uniformAt } from "../../base/random.ts";
import { parseInput } from "../../base/schema.ts";
import type { DecoderModel } from "../../policy/decoder.ts";
import type { Tokenizer } from "../../policy/tokenizer.ts";
import type { Task } from "../tasks/index.ts";
import type { Trajectory } from "../trajectory.ts";
import type { ToolCall } from "../trajectory-types.ts";
import { type Agent, isAgent, type RolloutKeys } from "./agent.ts";

/** What rollouts need of a policy that is a network. */
export interface RolloutPolicy extends DecoderModel {
  readonly tokenizer: Tokenizer;
}

/** A point of a rollout at which an expert may take over: before any token that the policy would sample. */
export interface TakeoverPoint {
  readonly task: Task | undefined;
  /** Which turn, from 1. */
  readonly turn: number;
  /** Which token after the prompt, from 0. */
  readonly token: number;
  /** Nothing of this turn is written yet. */
  readonly isTurnStart: boolean;
  /** What was written since the last tool output. */
  readonly turnText: string;
  readonly toolCalls: readonly ToolCall[];
}

/** When an expert takes over: a rule, or a function that is asked before every token. */
export type Takeover =
  /** At the beginning of these turns, from 1. */
  | { readonly turns: readonly number[] }
  /** At these tokens after the prompt, from 0. */
  | { readonly tokens: readonly number[] }
  /** By chance, at each turn's beginning (default) or at each token; drawn from the lab's stream `intervention`. */
  | { readonly probability: number; readonly per?: "turn" | "token" }
  | ((point: TakeoverPoint) => boolean);

/** An agent beside a policy, and when it takes over. */
export interface Intervention {
  readonly expert: Agent;
  readonly when: Takeover;
}

/** A policy with an expert at its side: it samples, except where the expert takes over. */
export interface Mixture extends Intervention {
  readonly policy: RolloutPolicy;
}

const ruleSchema = z.union([
  z.strictObject({ turns: z.array(z.int().positive()) }),
  z.strictObject({ tokens: z.array(z.int().nonnegative()) }),
  z.strictObject({ probability: z.number().min(0).max(1), per: z.enum(["turn", "token"]).optional() }),
]);

/** @throws InvalidInputError for an expert that is no agent, or a rule that means nothing. */
export function checkIntervention({ expert, when }: Intervention): Intervention {
  if (typeof expert !== "object" || expert === null || !isAgent(expert))
    throw new InvalidInputError(
      "The expert of a mixture must be an agent.",
      "Make one with agents.person(), agents.script(...) or agents.remote(...).",
    );
  return { expert, when: typeof when === "function" ? when : parseInput(ruleSchema, when, "when of a mixture") };
}

/**
 * A policy and an expert in one rollout (intervention). The expert's tokens are its own: trainers leave them out of the
 * loss, and what the policy samples after them is trained on as usual.
 *
 * @example
 * const expert = agents.script(({ task }) => `\\boxed{${task?.answer}}`);
 * const helped = agents.mixture({ policy, expert, when: { probability: 0.25 } });
 * await lab.evaluate(helped, taskset, { interpreter: python, count: 20 });
 * @throws InvalidInputError for an expert that is no agent, or a rule that means nothing.
 */
export function mixture({ policy, ...intervention }: Mixture): Mixture {
  if (!policy || !("tokenizer" in policy)) throw new InvalidInputError("A mixture needs a policy.");
  return { policy, ...checkIntervention(intervention) };
}

/** Whether the expert writes on at this point. */
export function takesOver(
  when: Takeover,
  trajectory: Trajectory,
  { task, keys, seed }: { task: Task | undefined; keys: RolloutKeys; seed: number },
): boolean {
  const { toolCalls, promptLength, length } = trajectory;
  const isTurnStart = length === (toolCalls.at(-1)?.end ?? promptLength);
  const turn = toolCalls.length + 1;
  const token = length - promptLength;
  if (typeof when === "function")
    return when({ task, turn, token, isTurnStart, turnText: trajectory.turnText, toolCalls });
  if ("turns" in when) return isTurnStart && when.turns.includes(turn);
  if ("tokens" in when) return when.tokens.includes(token);
  if (when.per !== "token" && !isTurnStart) return false;
  const { step, promptIndex, sampleIndex } = keys;
  return uniformAt(seed, "intervention", step, promptIndex, sampleIndex, length) < when.probability;
}

import type { RewardInput, RewardTurn } from "../reward/index.ts";
import type { Trajectory } from "./trajectory.ts";

/** A finished rollout as a reward sees it. */
export function rewardInput(task: RewardInput["task"], trajectory: Trajectory): RewardInput {
  return {
    task,
    text: trajectory.assistantText,
    toolText: trajectory.toolCalls.map(({ feedback }) => feedback).join("\n"),
    tokens: trajectory.length - trajectory.promptLength,
    turns: turnsOf(trajectory),
  };
}

/**
 * A rollout's turns: each ends with an execution, the last with the rollout. There is none after an execution that the
 * policy never got to answer.
 */
export function turnsOf(trajectory: Trajectory): RewardTurn[] {
  const { tokenizer, ids, sources, toolCalls, promptLength, length } = trajectory;
  const ends = [...toolCalls.map(({ start }) => start), length];
  const turns = ends.map((end, k): RewardTurn => {
    const start = k ? toolCalls[k - 1]!.end : promptLength;
    const text = tokenizer.decode(ids.slice(start, end).filter((_, i) => sources[start + i] !== "tool"));
    return { text, ...(toolCalls[k] && { execution: toolCalls[k].result }) };
  });
  return toolCalls.length && toolCalls.at(-1)!.end === length ? turns.slice(0, -1) : turns;
}

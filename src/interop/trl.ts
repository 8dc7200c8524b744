import type { ExportedFile } from "./exported.ts";
import { writeLines } from "./files.ts";
import type { ExportedRollout, RolloutSource } from "./rollouts.ts";

/**
 * Writes rollouts in TRL's dataset formats, a line each, every file with the same lines:
 *
 * - `messages.jsonl`: conversational language modelling. The policy's turns have the role "assistant", the outputs of
 *   tools the role "tool", so that a loss on the assistant's messages alone leaves them out. The contents are the text
 *   as it stood, fences included.
 * - `prompt-completion.jsonl`: prompt and completion as text.
 * - `tokens.jsonl`: already tokenised, with the masks of then: nothing is tokenised again.
 *
 * @see TRL, "Dataset formats and types": https://huggingface.co/docs/trl/dataset_formats; for `completion_mask` and
 * `assistant_masks` its SFTTrainer.
 */
export function writeTrl(source: RolloutSource, folder: string): Promise<ExportedFile[]> {
  return writeLines(folder, ["messages.jsonl", "prompt-completion.jsonl", "tokens.jsonl"], async (add) => {
    for await (const rollout of source.rollouts()) {
      const { prompt, completion, turns } = rollout;
      const about = aboutRollout(rollout);
      await add(0, { messages: [{ role: "user", content: prompt }, ...turns], ...about });
      await add(1, { prompt, completion, ...about });
      await add(2, { ...tokenColumns(rollout), ...about });
    }
  });
}

/** What a rollout was and earned; columns to choose by. */
function aboutRollout({ step, group, sample, task, reward, trajectory }: ExportedRollout) {
  return {
    step,
    group,
    sample,
    task_id: task.id,
    family: task.family,
    answer: task.answer,
    reward: reward.reward,
    correct: reward.correct,
    tool_calls: trajectory.toolCalls.length,
    stop_reason: trajectory.stopReason,
  };
}

function tokenColumns({ trajectory }: ExportedRollout) {
  const { ids, sources, promptLength, logprobs } = trajectory;
  return {
    input_ids: ids,
    completion_mask: ids.map((_, i) => (i < promptLength ? 0 : 1)),
    /** What was sampled: the loss mask. */
    assistant_masks: sources.map((source) => (source === "sampled" ? 1 : 0)),
    /** When it was sampled; null for what was not. */
    logprobs: logprobs.map((logprob, i) => (sources[i] === "sampled" ? logprob : null)),
  };
}

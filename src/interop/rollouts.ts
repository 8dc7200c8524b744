import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInputError } from "../base/errors.ts";
import { Tokenizer } from "../policy/tokenizer.ts";
import { RecordingError, type Run, stepsOf } from "../recording/index.ts";
import { type Message, messagesOf } from "../rollout/messages.ts";
import { type PromptFormatName, promptText } from "../rollout/prompts.ts";
import type { Task } from "../rollout/tasks/index.ts";
import type { Trajectory } from "../rollout/trajectory.ts";
import { toolsPrompt } from "../tools/index.ts";
import { type RolloutRecord, readRolloutRecords, trajectoryOf } from "../training/rollout-records.ts";
import { readSetup } from "../training/run-folder.ts";

/** First and last step whose rollouts are exported, counted from 1. */
export type StepRange = readonly [first: number, last: number];

/** A recorded rollout in words. */
export interface ExportedRollout extends Pick<RolloutRecord, "group" | "sample" | "reward"> {
  readonly step: number;
  readonly task: Task;
  /** The task as it was put to the policy. */
  readonly prompt: string;
  /** Everything after the prompt, outputs of tools included: the turns' contents joined. */
  readonly completion: string;
  readonly turns: readonly Message[];
  readonly trajectory: Trajectory;
}

/** A run's rollouts, and what all of them share. */
export interface RolloutSource {
  /** Name of the task set. */
  readonly taskset: string;
  rollouts(): AsyncGenerator<ExportedRollout>;
}

/**
 * The rollouts of the steps that lead to where a run stands; those that were sampled for comparison alone are left out.
 *
 * @throws RecordingError when none were recorded, InvalidInputError for a range without any.
 */
export async function rolloutSource(run: Run, range?: StepRange): Promise<RolloutSource> {
  const stored = new Set(await run.rolloutSteps());
  const steps = stepsOf(await run.events()).flatMap(({ step }) => (stored.has(step) ? [step] : []));
  if (!steps.length) throw new RecordingError(`Run ${run.id} has no rollouts.`, "Nothing was written.");
  const [first, last] = range ?? [steps[0]!, steps.at(-1)!];
  const chosen = steps.filter((step) => step >= first && step <= last);
  if (!chosen.length)
    throw new InvalidInputError(
      `Run ${run.id} has no rollouts of the steps ${first} to ${last}.`,
      `It has those of ${steps[0]} to ${steps.at(-1)}.`,
    );
  const setup = readSetup(run.config);
  const timeline = await run.timeline();
  const tokenizer = await recordedTokenizer(run);
  const { interpreter, tools } = setup;
  const context = {
    packages: tools ? [] : (interpreter?.packages ?? []),
    ...(tools && { prompt: toolsPrompt(tools) }),
  };
  const promptAt = (step: number, task: Task): string => {
    const { promptFormat } = timeline.settingsAt(run.config.config, step - 1);
    return promptText(promptFormat as PromptFormatName, task, context);
  };
  async function* rollouts(): AsyncGenerator<ExportedRollout> {
    for (const step of chosen)
      for (const record of await readRolloutRecords(run, step)) {
        if (record.greedy) continue;
        const { group, sample, reward, task } = record;
        const trajectory = trajectoryOf(tokenizer, record, step);
        const prompt = promptAt(step, task);
        yield {
          step,
          group,
          sample,
          reward,
          task,
          prompt,
          completion: trajectory.text,
          turns: messagesOf(trajectory).slice(1),
          trajectory,
        };
      }
  }
  return { taskset: setup.taskset.name, rollouts };
}

async function recordedTokenizer(run: Run): Promise<Tokenizer> {
  const [checkpoint] = await run.checkpoints.list();
  if (!checkpoint) throw new RecordingError(`Run ${run.id} has no checkpoint, so its tokenizer is not known.`);
  const path = join(checkpoint.path, "tokenizer.json");
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new RecordingError(`${path} cannot be read: ${(error as Error).message}.`, undefined, error);
  }
  return Tokenizer.fromJSON(json);
}

import type { LabContext } from "../base/context.ts";
import { InfrastructureError, InvalidInputError } from "../base/errors.ts";
import { progress } from "../display/index.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import { checkSampling, type SamplingOptions } from "../policy/sampling.ts";
import type { Tokenizer } from "../policy/tokenizer.ts";
import { lastBoxed } from "../reward/answer.ts";
import { asReward, type RewardLike, rewards } from "../reward/index.ts";
import { type Writer, Writers } from "../rollout/agents/index.ts";
import { collectTrajectories } from "../rollout/collect.ts";
import { type PromptFormatName, promptText } from "../rollout/prompts.ts";
import { rewardInput } from "../rollout/reward-input.ts";
import type { Task, Taskset } from "../rollout/tasks/index.ts";
import { type ToolBox, toolsetOf } from "../tools/index.ts";
import { EvaluationCard, type TaskResult } from "./index.ts";

export interface EvaluateOptions extends SamplingOptions {
  /** Runs blocks of code. An evaluation needs it, or tools, or both. */
  interpreter?: CodeInterpreter | undefined;
  /** Typed tools; an interpreter beside them is one of them. */
  tools?: ToolBox | undefined;
  /** Of an agent's responses. Default: that of `tiny-math`. */
  tokenizer?: Tokenizer;
  /** Responses per task: the k of avg@k. Default 16. */
  samples?: number;
  /** How many tasks, from the first. Default: all of a task set that has an end. */
  count?: number;
  /** Executions allowed. Default 3. */
  maxToolCalls?: number;
  /** Tokens in all, prompt included. Default: what the policy can hold; 4096 for an agent. */
  maxLength?: number;
  /** Default `"code"`; for an agent `"cir"`, which says what is asked in words. */
  promptFormat?: PromptFormatName;
  /** Default: the last boxed answer. */
  reward?: RewardLike;
  /** Name on the card. Default: the task set's. */
  name?: string;
}

/**
 * Samples every task several times and counts. The noise is a stream of its own, so that an evaluation neither moves nor
 * repeats the noise of training, and two policies face the same noise.
 *
 * @param policy a network, an agent, or a mixture of the two.
 * @throws InfrastructureError when the interpreter itself failed, or an agent did: an evaluation is whole or not at all.
 */
export async function evaluate(
  lab: LabContext,
  policy: Writer,
  taskset: Taskset,
  options: EvaluateOptions,
): Promise<EvaluationCard> {
  const writers = new Writers(policy, options.tokenizer);
  const interpreter = toolsetOf(options, "An evaluation");
  const {
    samples = 16,
    maxToolCalls = 3,
    promptFormat = writers.network ? "code" : "cir",
    reward: judge = rewards.boxedAnswer(),
    maxLength = writers.maxLength,
  } = options;
  const count = options.count ?? taskset.size;
  if (count === undefined)
    throw new InvalidInputError(`Task set ${taskset.name} has no end.`, "Say how many tasks: `count`.");
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidInputError(`count must be a whole number of at least 1, was ${count}.`);
  if (!Number.isInteger(samples) || samples < 1)
    throw new InvalidInputError(`samples must be a whole number of at least 1, was ${samples}.`);
  const reward = asReward(judge);
  const started = performance.now();
  const tasks = Array.from({ length: count }, (_, i): Task => taskset.at(i));
  const requests = tasks.flatMap((task, promptIndex) => {
    const prompt = writers.tokenizer.encode(promptText(promptFormat, task, interpreter));
    return Array.from({ length: samples }, (_, sampleIndex) => ({ prompt, task, step: 0, promptIndex, sampleIndex }));
  });
  const bar = progress(
    { total: requests.length },
    { label: options.name ?? `evaluating ${taskset.name}`, unit: "rollouts" },
  );
  const trajectories = await collectTrajectories({
    policy,
    tokenizer: options.tokenizer,
    interpreter,
    requests,
    limits: { maxToolCalls, maxLength },
    seed: lab.seed,
    stream: "evaluation",
    temperature: options.temperature,
    topP: options.topP,
    signal: lab.signal(),
    onProgress: (finished) => bar.set(finished),
  });
  bar.done();
  const results: TaskResult[] = tasks.map(({ id, family, labels }) => ({
    taskId: id,
    family,
    ...(labels && { labels: { ...labels } }),
    samples: [],
  }));
  for (const [i, trajectory] of trajectories.entries()) {
    if (trajectory.stopReason === "infrastructure")
      throw new InfrastructureError(
        `The evaluation lost a rollout: ${trajectory.failure ?? `the interpreter itself failed (${interpreter.description}).`}`,
        "Mend what failed and evaluate again.",
      );
    const { promptIndex } = requests[i]!;
    const text = trajectory.assistantText;
    const { correct } = await reward.score(rewardInput(tasks[promptIndex]!, trajectory));
    results[promptIndex]!.samples.push({
      correct,
      answer: lastBoxed(text) ?? null,
      toolCalls: trajectory.toolCalls.length,
      tokens: trajectory.answeredCount,
      executions: trajectory.toolCalls.map(({ result }) => result.status),
      toolMs: trajectory.toolCalls.reduce((sum, { result }) => sum + result.durationMs, 0),
    });
  }
  const { temperature, topP } = checkSampling(options);
  const settings = { temperature, topP, seed: lab.seed, maxToolCalls, maxLength, promptFormat, reward: reward.name };
  const seconds = (performance.now() - started) / 1000;
  return new EvaluationCard({ name: options.name ?? taskset.name, tasks: results, seconds, settings });
}

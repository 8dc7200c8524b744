import type { LabContext } from "../base/context.ts";
import { InfrastructureError } from "../base/errors.ts";
import type { CodeInterpreter } from "../interpreter/types.ts";
import type { Policy } from "../policy/policy.ts";
import type { Intervention } from "../rollout/agents/index.ts";
import { collectTrajectories } from "../rollout/collect.ts";
import { promptText } from "../rollout/prompts.ts";
import type { Taskset } from "../rollout/tasks/index.ts";
import type { Trajectory } from "../rollout/trajectory.ts";
import type { ToolBox } from "../tools/index.ts";
import type { Batch, UnscoredRollout } from "./batch.ts";
import type { StepConfig } from "./config.ts";

export interface CollectBatchOptions {
  readonly lab: LabContext;
  readonly policy: Policy;
  readonly interpreter: CodeInterpreter | ToolBox;
  /** Who takes over in the rollouts, and when. */
  readonly intervention?: Intervention | undefined;
  readonly taskset: Taskset;
  readonly config: StepConfig;
  /** 0-based training step: decides tasks and noise. */
  readonly step: number;
  /** Also make one greedy rollout per prompt (ReMax). */
  readonly greedy: boolean;
  /** Round of further prompts, from 1, and how many; default: the step's own. */
  readonly round?: number;
  readonly prompts?: number;
  readonly onProgress?: (finished: number) => void;
}

/** What goes on with a rollout of a step. */
export type GoOnOptions = Pick<
  CollectBatchOptions,
  "lab" | "policy" | "interpreter" | "intervention" | "config" | "step"
>;

/**
 * Lets a rollout of a step go on from where a changed trajectory of it stands, with the noise that belongs to its numbers
 * and positions; the trajectory itself is written on.
 *
 * @throws InfrastructureError when the interpreter or an expert failed.
 */
export async function goOn(
  { lab, policy, interpreter, intervention, config, step }: GoOnOptions,
  { task, group, sample }: UnscoredRollout,
  begun: Trajectory,
): Promise<Trajectory> {
  const request = { prompt: [], task, step, promptIndex: group, sampleIndex: sample, begun };
  const [trajectory] = await collectTrajectories({
    policy: intervention ? { policy, ...intervention } : policy,
    interpreter,
    requests: [request],
    limits: begun.limits,
    stateful: config.statefulCode,
    seed: lab.seed,
    temperature: config.temperature,
    topP: config.topP,
    signal: lab.signal(),
  });
  const { stopReason, failure } = trajectory!;
  if (stopReason === "infrastructure")
    throw new InfrastructureError(
      `Rollout ${group}/${sample} could not go on${failure === undefined ? "." : `: ${failure}`}`,
      "Nothing was changed. Try again.",
    );
  trajectory!.verify(`Rollout ${step}/${group}/${sample}`);
  return trajectory!;
}

/** A batch before its rewards are known. */
export interface UnscoredBatch extends Omit<Batch, "rollouts" | "greedy"> {
  readonly rollouts: readonly UnscoredRollout[];
  readonly greedy?: readonly UnscoredRollout[];
}

/**
 * Samples the rollouts of one step.
 *
 * @throws InfrastructureError when more rollouts were lost than `maxInfrastructureRate` allows.
 */
export async function collectBatch(options: CollectBatchOptions): Promise<UnscoredBatch> {
  const { lab, policy, interpreter, intervention, taskset, config, step } = options;
  const {
    promptsPerStep,
    numGenerations,
    promptFormat,
    temperature,
    topP,
    maxLength,
    maxToolCalls,
    boundary,
    statefulCode,
  } = config;
  const { round = 0, prompts: count = promptsPerStep } = options;
  const stream = round ? lab.random("tasks", step, round) : lab.random("tasks", step);
  // Prompts are numbered through all rounds: the numbers key the noise.
  const first = round * promptsPerStep;
  const tasks = Array.from({ length: count }, () => taskset.sample(stream));
  const prompts = tasks.map((task) => policy.tokenizer.encode(promptText(promptFormat, task, interpreter)));
  const collect = async (samples: number, sampling: { temperature: number; topP: number }) => {
    const requests = prompts.flatMap((prompt, i) =>
      Array.from({ length: samples }, (_, sampleIndex) => ({
        prompt,
        task: tasks[i]!,
        step,
        promptIndex: first + i,
        sampleIndex,
      })),
    );
    const trajectories = await collectTrajectories({
      policy: intervention ? { policy, ...intervention } : policy,
      interpreter,
      requests,
      limits: { maxToolCalls, maxLength, ...(boundary !== "auto" && { boundary }) },
      stateful: statefulCode,
      seed: lab.seed,
      ...sampling,
      signal: lab.signal(),
      onProgress: options.onProgress,
    });
    const rollouts: UnscoredRollout[] = [];
    trajectories.forEach((trajectory, i) => {
      if (trajectory.stopReason === "infrastructure") return;
      const { promptIndex: group, sampleIndex: sample } = requests[i]!;
      trajectory.verify(`Rollout ${step}/${group}/${sample}`);
      rollouts.push({ task: tasks[group - first]!, group, sample, trajectory });
    });
    const dropped = trajectories.length - rollouts.length;
    if (dropped / trajectories.length > config.maxInfrastructureRate) {
      const why = trajectories.find(({ failure }) => failure !== undefined)?.failure;
      throw new InfrastructureError(
        `${dropped} of ${trajectories.length} rollouts were lost because ${intervention ? `the interpreter or ${intervention.expert.name}` : "the interpreter"} itself failed (${interpreter.description})${why === undefined ? "." : `: ${why}`}`,
        "Nothing was trained. Restart what failed and go on.",
      );
    }
    return { rollouts, dropped };
  };
  const { rollouts, dropped } = await collect(numGenerations, { temperature, topP });
  const greedy = options.greedy ? (await collect(1, { temperature: 0, topP: 1 })).rollouts : undefined;
  return { step, policyVersion: policy.version, maxToolCalls, rollouts, dropped, ...(greedy && { greedy }) };
}

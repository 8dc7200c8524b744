import type { Device, LabContext } from "./base/context.ts";
import { InvalidInputError } from "./base/errors.ts";
import { RandomStream } from "./base/random.ts";
import { versions } from "./base/versions.ts";
import { displaySymbol } from "./display/host.ts";
import { signal, table } from "./display/index.ts";
import { engineFor } from "./engine/index.ts";
import { type EvaluateOptions, evaluate } from "./evaluation/evaluate.ts";
import type { EvaluationCard } from "./evaluation/index.ts";
import type { CodeInterpreter } from "./interpreter/types.ts";
import type { Policy } from "./policy/policy.ts";
import type { SamplingOptions } from "./policy/sampling.ts";
import type { Tokenizer } from "./policy/tokenizer.ts";
import { asReward, type RewardLike, rewards } from "./reward/index.ts";
import type { Agent, Mixture, Writer } from "./rollout/agents/index.ts";
import { type PromptFormatName, promptText } from "./rollout/prompts.ts";
import { Rollout, rolloutWriters } from "./rollout/rollout.ts";
import type { Task, Taskset } from "./rollout/tasks/index.ts";
import { type ToolBox, toolsetOf } from "./tools/index.ts";
import { type CompareOptions, compare } from "./training/compare.ts";
import type { Comparison } from "./training/comparison.ts";

export interface LabOptions {
  /** Root of all randomness. Default 80. */
  seed?: number;
  /** Default `"auto"`: the best device that works here. */
  device?: "auto" | Device;
  /** Computing threads on the CPU. Default: the engine's choice. */
  threads?: number;
}

export interface LabRolloutOptions extends SamplingOptions {
  /** Writes the rollout. Where an agent does, it lends its tokenizer, and forks can go on with it. */
  policy?: Policy;
  /** Writes the rollout in the policy's place; a mixture brings its own policy. */
  agent?: Agent | Mixture;
  /** Of an agent's rollout without a policy. Default: that of `tiny-math`. */
  tokenizer?: Tokenizer;
  /** An interpreter, or tools in its place. */
  interpreter?: CodeInterpreter | ToolBox;
  /** Typed tools; an interpreter beside them is one of them. */
  tools?: ToolBox;
  task: Task;
  /** Executions allowed. Default 3. */
  maxToolCalls?: number;
  /** Tokens in all, prompt included. Default: what the policy can hold; 4096 for an agent without one. */
  maxLength?: number;
  /** Cells of the rollout share variables. Default false: each starts anew, as in CIR. */
  stateful?: boolean;
  /** Default `"code"`; for an agent without a policy `"cir"`, which says what is asked in words. */
  promptFormat?: PromptFormatName;
  /** Default: +1 or -1 on the last boxed answer. */
  reward?: RewardLike;
  /** Which sample of the prompt; another number draws other noise. Default 0. */
  sampleIndex?: number;
}

/**
 * The laboratory: one seed, one device, and the doors to rollouts and evaluations.
 *
 * @example
 * const lab = new Lab({ seed: 80 });
 * const policy = await Policy.create("tiny-math", { lab });
 */
export class Lab implements LabContext {
  readonly seed: number;
  readonly device: "auto" | Device;
  readonly threads: number | undefined;

  /** @throws InvalidInputError for a seed that is not a whole number of at least 0. An unknown device is refused when the engine starts. */
  constructor({ seed = 80, device = "auto", threads }: LabOptions = {}) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
      throw new InvalidInputError(`seed must be a whole number from 0 to 4294967295, was ${seed}.`);
    const devices = ["auto", "cpu", "webgpu", "cuda"];
    if (!devices.includes(device))
      throw new InvalidInputError(`Unknown device ${JSON.stringify(device)}.`, `Known: ${devices.join(", ")}.`);
    this.seed = seed;
    this.device = device;
    this.threads = threads;
  }

  random(name: string, ...keys: number[]): RandomStream {
    return new RandomStream(this.seed, name, ...keys);
  }

  signal(): AbortSignal | undefined {
    return signal();
  }

  /** A rollout held open, to be stepped, finished and forked. */
  rollout(options: LabRolloutOptions): Rollout {
    const { policy, agent, task, maxToolCalls = 3, reward = rewards.boxedAnswer() } = options;
    const interpreter = toolsetOf(options, "A rollout");
    const writers = rolloutWriters(options);
    const { promptFormat = (policy ?? writers.network) ? "code" : "cir" } = options;
    // A fork of an agent's rollout may go on with the policy.
    const { maxLength = policy?.config.maxLength ?? writers.maxLength } = options;
    return new Rollout({
      ...options,
      policy,
      agent,
      interpreter,
      reward: asReward(reward),
      maxToolCalls,
      maxLength,
      prompt: writers.tokenizer.encode(promptText(promptFormat, task, interpreter)),
      seed: this.seed,
    });
  }

  /** Samples every task several times and counts; see {@link EvaluateOptions}. */
  async evaluate(
    policy: Writer,
    taskset: Taskset | Promise<Taskset>,
    options: EvaluateOptions,
  ): Promise<EvaluationCard> {
    return evaluate(this, policy, await taskset, options);
  }

  /** The same training with one thing changed at a time, over several seeds; see {@link CompareOptions}. */
  compare(options: CompareOptions): Promise<Comparison> {
    const { device, threads } = this;
    return compare(this, (seed) => new Lab({ seed, device, threads }), options);
  }

  async [displaySymbol](): Promise<unknown> {
    const { report } = await engineFor(this);
    const rows = [
      { what: "device", value: `${report.device}: ${report.reason}` },
      { what: "threads", value: String(report.threads) },
      { what: "numbers", value: "float32" },
      { what: "seed", value: String(this.seed) },
      ...Object.entries(versions()).map(([what, value]) => ({ what, value })),
      { what: "ONNX Runtime", value: report.runtimeVersion },
    ];
    return table(rows, { caption: "CIR Lab" })[displaySymbol]();
  }
}

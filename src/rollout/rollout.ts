import { InvalidInputError } from "../base/errors.ts";
import { uniformAt } from "../base/random.ts";
import { displaySymbol } from "../display/host.ts";
import { throwIfInterrupted } from "../display/index.ts";
import type { ReplayMismatch } from "../interpreter/types.ts";
import { BatchDecoder, type Sequence } from "../policy/decoder.ts";
import { checkSampling, inverseTemperature, type SamplingOptions, sampleToken } from "../policy/sampling.ts";
import type { Reward, RewardResult } from "../reward/index.ts";
import { RolloutCells } from "./cells.ts";
import { limitsFor, type RolloutPolicy, type ToolInterpreter } from "./collect.ts";
import { rewardInput } from "./reward-input.ts";
import { rolloutBundle } from "./rollout-display.ts";
import type { Task } from "./tasks/index.ts";
import { type StopReason, type Token, type ToolCall, Trajectory } from "./trajectory.ts";

export interface RolloutOptions extends SamplingOptions {
  readonly policy: RolloutPolicy;
  readonly interpreter: ToolInterpreter;
  readonly task: Task;
  /** Token ids of the prompt. */
  readonly prompt: readonly number[];
  readonly reward: Reward;
  /** Executions allowed. */
  readonly maxToolCalls: number;
  /** Tokens in all, prompt included. */
  readonly maxLength: number;
  /** Cells of the rollout share variables. Default false: each starts anew. */
  readonly stateful?: boolean;
  /** Root seed of the sampling noise. */
  readonly seed: number;
  /** Which sample of the prompt; another number draws other noise. Default 0. */
  readonly sampleIndex?: number;
}

/** Where a fork leaves its parent, and what it changes there. */
export interface ForkOptions {
  /** Keep this many tokens, prompt included. */
  token?: number;
  /** Go back to the n-th tool call (from 1), just before its output. */
  turn?: number;
  /** With `turn`: what the policy reads instead of the real output. */
  toolOutput?: string;
  /** Text put in the policy's mouth after the cut; never trained on. */
  append?: string;
  /** Draw other noise than the parent did. By default a fork draws the same, so that only the edit makes a difference. */
  sampleIndex?: number;
}

/**
 * One rollout held open: sample a token, run up to the next tool call, finish, fork.
 *
 * @example
 * const rollout = lab.rollout({ policy, interpreter: python, task, maxToolCalls: 2 });
 * await rollout.token();
 * await rollout.turn();
 * const alternative = rollout.fork({ turn: 1, toolOutput: "NameError: name 'x' is not defined" });
 * await alternative.finish();
 */
export class Rollout {
  readonly options: RolloutOptions;
  readonly task: Task;
  readonly trajectory: Trajectory;
  /** Set when the rollout is done. */
  result: RewardResult | undefined;
  #decoder: BatchDecoder | undefined;
  #sequence: Sequence | undefined;
  readonly #cells: RolloutCells;

  constructor(options: RolloutOptions, trajectory?: Trajectory, cells?: RolloutCells) {
    this.options = options;
    this.task = options.task;
    checkSampling(options);
    const { maxToolCalls, maxLength } = options;
    if (!Number.isInteger(maxToolCalls) || maxToolCalls < 0)
      throw new InvalidInputError(`maxToolCalls must be a whole number of at least 0, was ${maxToolCalls}.`);
    const { interpreter, sampleIndex = 0, stateful = false } = options;
    const limits = limitsFor(interpreter, { maxToolCalls, maxLength });
    this.trajectory = trajectory ?? new Trajectory(options.policy.tokenizer, options.prompt, limits);
    this.#cells = cells ?? RolloutCells.of(interpreter, { rolloutId: `${this.task.id}/${sampleIndex}`, stateful });
  }

  get tokens(): Token[] {
    return this.trajectory.tokens();
  }

  get text(): string {
    return this.trajectory.text;
  }

  get toolCalls(): readonly ToolCall[] {
    return this.trajectory.toolCalls;
  }

  /** Code that is executed before the next token is sampled. */
  get pendingCode(): string | null {
    return this.trajectory.pendingCode;
  }

  /**
   * Of a fork of a stateful rollout, once it has run code: the first replayed cell whose outcome was not the recorded
   * one. Undefined where all were.
   */
  get replayMismatch(): ReplayMismatch | undefined {
    return this.#cells.mismatch;
  }

  get stopReason(): StopReason | null {
    return this.trajectory.stopReason;
  }

  /** The policy ended the rollout itself. */
  get terminated(): boolean {
    return this.stopReason === "completed";
  }

  /** A limit ended the rollout. */
  get truncated(): boolean {
    return this.stopReason !== null && !this.terminated;
  }

  get reward(): number | undefined {
    return this.result?.reward;
  }

  /** Samples one token, after executing code that waits. Returns undefined once the rollout is done. */
  async token(): Promise<Token | undefined> {
    throwIfInterrupted();
    if (this.pendingCode !== null) await this.#execute();
    const { trajectory } = this;
    if (trajectory.done) return this.#finished();
    const { policy, seed, sampleIndex = 0 } = this.options;
    const sampling = checkSampling(this.options);
    this.#decoder ??= await BatchDecoder.start(policy, 1);
    this.#sequence ??= this.#decoder.add();
    const sequence = this.#sequence;
    for (;;) {
      const feed = { sequence, token: trajectory.ids[sequence.position]! };
      const next = await this.#decoder.step([feed], inverseTemperature(sampling.temperature));
      const logprobs = next.logprobs(0);
      if (sequence.position < trajectory.length) {
        const { position } = sequence;
        trajectory.noteForced(position, logprobs[trajectory.ids[position]!]!, next.entropy(0));
        continue;
      }
      const id = sampleToken(logprobs, uniformAt(seed, "sampling", 0, 0, sampleIndex, sequence.position), sampling);
      trajectory.acceptSampled(id, logprobs[id]!, next.entropy(0));
      break;
    }
    const born = this.tokens.at(-1);
    if (trajectory.done) await this.#finished();
    return born;
  }

  /** Samples up to and through the next tool call. Returns the call, or undefined when the rollout ended first. */
  async turn(): Promise<ToolCall | undefined> {
    while (!this.trajectory.done && this.pendingCode === null) await this.token();
    if (this.pendingCode === null) return undefined;
    await this.#execute();
    return this.toolCalls.at(-1);
  }

  /** Samples to the end and scores the rollout. */
  async finish(): Promise<this> {
    while (!this.trajectory.done) await this.token();
    await this.#finished();
    return this;
  }

  /** A new rollout that shares this one's beginning; see {@link ForkOptions}. This rollout stays as it is. */
  fork(at: ForkOptions = {}): Rollout {
    const length = this.#forkLength(at);
    const trajectory = this.trajectory.fork(length);
    if (at.toolOutput !== undefined) {
      if (at.turn === undefined || trajectory.pendingCode === null)
        throw new InvalidInputError("toolOutput needs `turn`: the tool call whose output it replaces.");
      const result = { ...this.toolCalls[at.turn - 1]!.result, stdout: at.toolOutput };
      trajectory.acceptToolOutput(result, at.toolOutput, true);
    }
    if (at.append !== undefined) trajectory.force(at.append);
    // A cell whose output was replaced has still run: its variables are there.
    const executed = trajectory.toolCalls.length;
    const options = { ...this.options, sampleIndex: at.sampleIndex ?? this.options.sampleIndex };
    return new Rollout(options, trajectory, this.#cells.fork(executed));
  }

  /** Frees what a rollout that is not finished still holds. */
  async close(): Promise<void> {
    await this.#decoder?.close();
    this.#decoder = undefined;
    this.#sequence = undefined;
    await this.#cells.close();
  }

  [displaySymbol](): Record<string, unknown> {
    return rolloutBundle(this);
  }

  #forkLength({ token, turn }: ForkOptions): number {
    if (token !== undefined) {
      if (!Number.isInteger(token) || token < this.trajectory.promptLength || token > this.trajectory.length)
        throw new InvalidInputError(
          `token must lie between ${this.trajectory.promptLength} (the prompt) and ${this.trajectory.length}, was ${token}.`,
        );
      return token;
    }
    if (turn === undefined) return this.trajectory.length;
    const call = this.toolCalls[turn - 1];
    if (!call)
      throw new InvalidInputError(`This rollout has ${this.toolCalls.length} tool calls; turn ${turn} is none.`);
    return call.start;
  }

  async #execute(): Promise<void> {
    const { interpreter } = this.options;
    const result = await this.#cells.run(this.pendingCode!);
    if (result.status === "infrastructure") this.trajectory.stop("infrastructure");
    else this.trajectory.acceptToolOutput(result, interpreter.feedback(result));
    if (this.trajectory.done) await this.#finished();
  }

  async #finished(): Promise<undefined> {
    if (!this.result) {
      this.trajectory.verify(`Rollout of task ${this.task.id}`);
      if (this.stopReason !== "infrastructure") {
        this.result = await this.options.reward.score(rewardInput(this.task, this.trajectory));
      }
      await this.close();
    }
    return undefined;
  }
}

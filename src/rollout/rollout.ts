import { InfrastructureError, InvalidInputError } from "../base/errors.ts";
import { uniformAt } from "../base/random.ts";
import { displaySymbol } from "../display/host.ts";
import { signal, throwIfInterrupted } from "../display/index.ts";
import type { ReplayMismatch } from "../interpreter/types.ts";
import { BatchDecoder, type Sequence } from "../policy/decoder.ts";
import { checkSampling, inverseTemperature, type SamplingOptions, sampleToken } from "../policy/sampling.ts";
import type { Tokenizer } from "../policy/tokenizer.ts";
import type { Reward, RewardResult } from "../reward/index.ts";
import { AgentDesk } from "./agents/desk.ts";
import type { Draft } from "./agents/draft.ts";
import type { Agent, Mixture, RolloutPolicy } from "./agents/index.ts";
import { Writers } from "./agents/writers.ts";
import { RolloutCells } from "./cells.ts";
import { limitsFor, type ToolInterpreter } from "./collect.ts";
import { rewardInput } from "./reward-input.ts";
import { rolloutBundle } from "./rollout-display.ts";
import type { Task } from "./tasks/index.ts";
import { type StopReason, type Token, type ToolCall, Trajectory } from "./trajectory.ts";

export interface RolloutOptions extends SamplingOptions {
  /** Writes the rollout, where no agent does; a fork of an agent's rollout can go on with it. */
  readonly policy?: RolloutPolicy | undefined;
  /** Writes the rollout, alone or beside a policy of its own. */
  readonly agent?: Agent | Mixture | undefined;
  /** Of an agent's rollout without a policy. */
  readonly tokenizer?: Tokenizer | undefined;
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
  /** Text, or tokens by their ids, put in the policy's mouth after the cut; never trained on. */
  append?: string | readonly number[];
  /** Draw other noise than the parent did. By default a fork draws the same, so that only the edit makes a difference. */
  sampleIndex?: number;
  /** Who writes on; null: the policy alone. Default: who wrote before. */
  agent?: Agent | Mixture | null;
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
  readonly #writers: Writers;
  readonly #desk: AgentDesk | undefined;
  /** What an agent wrote and is not yet in the rollout. */
  #draft: Draft | undefined;
  /** The distribution of the next token, and at which length it is that. */
  #next: { readonly at: number; readonly logprobs: Float32Array; readonly entropy: number } | undefined;
  /** The length at which it was last settled who writes on. */
  #decidedAt = -1;

  constructor(options: RolloutOptions, trajectory?: Trajectory, cells?: RolloutCells) {
    this.options = options;
    this.task = options.task;
    checkSampling(options);
    const { maxToolCalls, maxLength } = options;
    if (!Number.isInteger(maxToolCalls) || maxToolCalls < 0)
      throw new InvalidInputError(`maxToolCalls must be a whole number of at least 0, was ${maxToolCalls}.`);
    const { interpreter, sampleIndex = 0, stateful = false, seed } = options;
    const limits = limitsFor(interpreter, { maxToolCalls, maxLength });
    this.#writers = rolloutWriters(options);
    const { agent, network, tokenizer } = this.#writers;
    const about = { ...checkSampling(options), seed, tools: interpreter.schemas, isAlone: !network };
    this.#desk = agent && new AgentDesk(agent, about);
    this.trajectory = trajectory ?? new Trajectory(tokenizer, options.prompt, limits);
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

  /**
   * One more token, after executing code that waits: sampled, or the next of what an agent writes. Returns undefined once
   * the rollout is done.
   */
  async token(): Promise<Token | undefined> {
    throwIfInterrupted();
    if (this.pendingCode !== null) await this.#execute();
    const { trajectory } = this;
    const { length } = trajectory;
    while (!trajectory.done && trajectory.length === length) {
      this.#draft ??= await this.#askAgent();
      if (trajectory.done) break;
      if (!this.#draft) await this.#sample();
      else if (!this.#draft.place(trajectory)) this.#draft = undefined;
    }
    const born = trajectory.length > length ? this.tokens.at(-1) : undefined;
    if (trajectory.done) await this.#finished();
    return born;
  }

  /** What the agent writes here, where it is next. */
  async #askAgent(): Promise<Draft | undefined> {
    const { trajectory, task } = this;
    const { seed, sampleIndex = 0 } = this.options;
    if (!this.#desk || (this.#writers.network && this.#decidedAt === trajectory.length)) return undefined;
    const keys = { step: 0, promptIndex: 0, sampleIndex };
    if (this.#writers.isAgentNext(trajectory, { task, keys, seed })) {
      try {
        const draft = await this.#desk.ask(trajectory, { task, keys, signal: signal() });
        this.#decidedAt = trajectory.length;
        return draft;
      } catch (error) {
        if (!(error instanceof InfrastructureError)) throw error;
        trajectory.stop("infrastructure", error.message);
      }
    }
    this.#decidedAt = trajectory.length;
    return undefined;
  }

  async #sample(): Promise<void> {
    const { trajectory } = this;
    const { seed, sampleIndex = 0 } = this.options;
    const { logprobs, entropy } = await this.#distribution();
    const noise = uniformAt(seed, "sampling", 0, 0, sampleIndex, trajectory.length);
    const id = sampleToken(logprobs, noise, checkSampling(this.options));
    trajectory.acceptSampled(id, logprobs[id]!, entropy);
  }

  /** What the next token is drawn from. */
  async #distribution(): Promise<{ readonly logprobs: Float32Array; readonly entropy: number }> {
    const { trajectory } = this;
    if (this.#next?.at === trajectory.length) return this.#next;
    const sampling = checkSampling(this.options);
    this.#decoder ??= await BatchDecoder.start(this.#writers.network!, 1);
    this.#sequence ??= this.#decoder.add();
    const sequence = this.#sequence;
    for (;;) {
      const feed = { sequence, token: trajectory.ids[sequence.position]! };
      const next = await this.#decoder.step([feed], inverseTemperature(sampling.temperature));
      const logprobs = next.logprobs(0);
      const entropy = next.entropy(0);
      const { position } = sequence;
      if (position < trajectory.length) trajectory.noteForced(position, logprobs[trajectory.ids[position]!]!, entropy);
      else {
        this.#next = { at: position, logprobs, entropy };
        return this.#next;
      }
    }
  }

  /**
   * The most likely next tokens, likeliest first, with their log-probs; nothing is sampled. Empty where the rollout is done,
   * code waits to be executed, or no policy writes.
   */
  async candidates(count = 8): Promise<Token[]> {
    throwIfInterrupted();
    const { trajectory } = this;
    if (trajectory.done || this.pendingCode !== null || !this.#writers.network) return [];
    const { logprobs } = await this.#distribution();
    const ids = Array.from(logprobs.keys()).sort((a, b) => logprobs[b]! - logprobs[a]! || a - b);
    return ids.slice(0, count).map((id) => ({
      id,
      text: trajectory.tokenizer.tokenText(id) || trajectory.tokenizer.tokenName(id),
      source: "sampled",
      logprob: logprobs[id]!,
    }));
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
    const { sampleIndex = this.options.sampleIndex, agent = this.options.agent } = at;
    const options = this.#withWriter({ ...this.options, sampleIndex }, agent);
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

  /** The options with another writer; whose rollout this is stays available as the policy. */
  #withWriter(options: RolloutOptions, agent: Agent | Mixture | null | undefined): RolloutOptions {
    const { network, tokenizer } = this.#writers;
    const policy = options.policy ?? network;
    if (agent === null && !policy)
      throw new InvalidInputError(
        "This rollout has no policy that could go on with it.",
        "Make it with lab.rollout({ agent, policy, ... }).",
      );
    return { ...options, policy, agent: agent ?? undefined, tokenizer: policy ? undefined : tokenizer };
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
    if (result.status === "infrastructure") this.trajectory.stop("infrastructure", result.stderr || undefined);
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

/** Who writes a rollout: an agent where one is given, with the policy's tokenizer where there is one. */
export function rolloutWriters({
  policy,
  agent,
  tokenizer,
}: Pick<RolloutOptions, "policy" | "agent" | "tokenizer">): Writers {
  if (agent) return new Writers(agent, "expert" in agent ? undefined : (policy?.tokenizer ?? tokenizer));
  if (policy) return new Writers(policy);
  throw new InvalidInputError("A rollout needs a policy or an agent.");
}

import { InvariantError } from "../base/errors.ts";
import type { ExecutionResult } from "../interpreter/types.ts";
import type { Tokenizer } from "../policy/tokenizer.ts";
import { BoundaryMatcher, toolOutputText } from "./boundary.ts";
import {
  type AgentSource,
  isAgentSource,
  type StopReason,
  type Token,
  type TokenSource,
  type ToolCall,
  type TrajectoryData,
  type TrajectoryLimits,
} from "./trajectory-types.ts";

export type {
  AgentSource,
  StopReason,
  Token,
  TokenSource,
  ToolCall,
  TrajectoryData,
  TrajectoryLimits,
} from "./trajectory-types.ts";

/**
 * A rollout's tokens as they come into being: prompt, sampled tokens, tool outputs. It knows the boundary rule and the
 * budget, and nothing of the policy or the interpreter: its driver feeds it samples and execution results. Masks and
 * log-probs are stored with each token when it is born.
 */
export class Trajectory {
  readonly tokenizer: Tokenizer;
  readonly limits: TrajectoryLimits;
  readonly ids: number[] = [];
  readonly sources: TokenSource[] = [];
  readonly logprobs: (number | null)[] = [];
  readonly entropies: (number | null)[] = [];
  readonly toolCalls: ToolCall[] = [];
  promptLength: number;
  stopReason: StopReason | null = null;
  /** Boundaries where the sampled token held more than the fence and was replaced by forced tokens. */
  forcedBoundaries = 0;
  /** What failed, where infrastructure ended the rollout and it is known. */
  failure: string | undefined;
  /** Code that waits for its execution; nothing may be sampled meanwhile. */
  pendingCode: string | null = null;
  #matcher: BoundaryMatcher;
  #endsWithNewline = false;

  constructor(tokenizer: Tokenizer, prompt: readonly number[], limits: TrajectoryLimits) {
    this.tokenizer = tokenizer;
    this.limits = limits;
    this.#matcher = new BoundaryMatcher(limits.boundary);
    this.promptLength = prompt.length;
    for (const id of prompt) this.#push(id, "prompt");
    this.#checkLength();
  }

  /**
   * A trajectory from its recorded data.
   *
   * @throws InvariantError where the data do not fit together, or not the tokenizer; `name` names the rollout.
   */
  static fromJSON(tokenizer: Tokenizer, data: TrajectoryData, name: string): Trajectory {
    const trajectory = new Trajectory(tokenizer, [], data.limits);
    trajectory.ids.push(...data.ids);
    trajectory.sources.push(...data.sources);
    trajectory.logprobs.push(...data.logprobs);
    trajectory.entropies.push(...data.entropies);
    trajectory.toolCalls.push(...data.toolCalls);
    trajectory.promptLength = data.promptLength;
    trajectory.stopReason = data.stopReason;
    trajectory.forcedBoundaries = data.forcedBoundaries;
    trajectory.failure = data.failure;
    trajectory.verify(name);
    return trajectory;
  }

  get length(): number {
    return this.ids.length;
  }

  /** How many tokens were sampled: the size of the loss mask. */
  get sampledCount(): number {
    return this.sources.reduce((count, source) => count + (source === "sampled" ? 1 : 0), 0);
  }

  /** How many tokens whoever answers has chosen: the policy's and the agents'. */
  get answeredCount(): number {
    return this.sources.reduce((count, source) => count + (source === "sampled" || isAgentSource(source) ? 1 : 0), 0);
  }

  get done(): boolean {
    return this.stopReason !== null;
  }

  /** Everything after the prompt, as text. */
  get text(): string {
    return this.tokenizer.decode(this.ids.slice(this.promptLength));
  }

  /** What was written in answer (sampled, forced, by agents), without the tools' outputs: what rewards may look at. */
  get assistantText(): string {
    return this.tokenizer.decode(this.ids.filter((_, i) => this.sources[i] !== "prompt" && this.sources[i] !== "tool"));
  }

  /** What was written since the last tool output, or the prompt. */
  get turnText(): string {
    return this.tokenizer.decode(this.ids.slice(this.toolCalls.at(-1)?.end ?? this.promptLength));
  }

  tokens(): Token[] {
    return this.ids.map((id, i) => {
      const logprob = this.logprobs[i];
      const entropy = this.entropies[i];
      return {
        id,
        text: this.tokenizer.tokenText(id),
        source: this.sources[i]!,
        ...(logprob == null ? {} : { logprob }),
        ...(entropy == null ? {} : { entropy }),
      };
    });
  }

  /** Takes a sampled token; afterwards the trajectory runs on, is done, or waits for the execution of `pendingCode`. */
  acceptSampled(id: number, logprob: number, entropy: number): void {
    this.#accept(id, "sampled", logprob, entropy);
  }

  /** Takes a token that an agent wrote, as a sampled one is taken; `logprob` is the agent's own, where it is known. */
  acceptWritten(id: number, source: AgentSource, logprob: number | null): void {
    this.#accept(id, source, logprob, null);
  }

  /** Appends a tool's output for the pending code. */
  acceptToolOutput(result: ExecutionResult, feedback: string, edited = false): void {
    const code = this.pendingCode;
    if (code === null) throw new InvariantError("A tool output arrived for a rollout that waits for none.");
    const start = this.length;
    const text = toolOutputText(feedback, this.#endsWithNewline, this.limits.boundary);
    for (const id of this.#encode(text)) this.#push(id, "tool");
    this.toolCalls.push({ code, result, feedback, start, end: this.length, edited });
    this.pendingCode = null;
    this.#matcher = new BoundaryMatcher(this.limits.boundary);
    this.#checkLength();
  }

  /**
   * Appends text, or tokens by their ids, that nobody sampled; it is context, never trained on. A code block in it is
   * executed as usual, and the end token ends the rollout.
   */
  force(what: string | readonly number[]): void {
    for (const id of typeof what === "string" ? this.#encode(what) : what) {
      if (this.done || this.pendingCode !== null) break;
      this.#push(id, "forced");
      this.#watchForced(id);
      this.#checkLength();
    }
  }

  /**
   * Notes the log-prob that the policy gives to a token it did not sample. Sampled tokens keep what they were born with, and
   * of an agent's token only the agent's counts.
   */
  noteForced(index: number, logprob: number, entropy: number): void {
    if (this.sources[index] === "sampled" || isAgentSource(this.sources[index])) return;
    this.logprobs[index] = logprob;
    this.entropies[index] = entropy;
  }

  /** Ends the trajectory, where it has not ended; `failure` says what of the infrastructure failed. */
  stop(reason: StopReason, failure?: string): void {
    if (!this.done) this.failure = failure;
    this.stopReason ??= reason;
    this.pendingCode = null;
  }

  /**
   * A new trajectory with the same first `length` tokens, ready to go on from there. A cut inside a tool output takes
   * the output off and waits for the execution again.
   */
  fork(length: number): Trajectory {
    const calls = this.toolCalls.filter((call) => call.end <= length);
    const cut = this.toolCalls.find((call) => call.start < length && length < call.end);
    const fork = new Trajectory(this.tokenizer, this.ids.slice(0, this.promptLength), this.limits);
    const end = cut ? cut.start : length;
    fork.forcedBoundaries = this.forcedBoundaries;
    let next = 0;
    for (let i = this.promptLength; i < end; ) {
      const call = calls[next];
      if (call && i === call.start) {
        fork.acceptToolOutput(call.result, call.feedback, call.edited);
        this.#copyNotes(fork, call.start, call.end);
        i = call.end;
        next++;
        continue;
      }
      fork.#replay(this, i);
      i++;
    }
    return fork;
  }

  /** Checks what must hold of every trajectory; `name` names the rollout in the error. */
  verify(name: string): void {
    const text = this.ids.map((id) => this.tokenizer.tokenText(id)).join("");
    if (this.tokenizer.decode(this.ids) !== text)
      throw new InvariantError(`${name}: decoding its ids does not give the text of its tokens.`);
    const { length } = this.ids;
    if (this.sources.length !== length || this.logprobs.length !== length || this.entropies.length !== length)
      throw new InvariantError(`${name}: ids, sources and log-probs differ in length.`);
    for (let i = 0; i < length; i++) {
      const isPrompt = this.sources[i] === "prompt";
      if (isPrompt !== i < this.promptLength) throw new InvariantError(`${name}: token ${i} has a wrong source.`);
      if (this.sources[i] === "sampled" && !Number.isFinite(this.logprobs[i]))
        throw new InvariantError(`${name}: sampled token ${i} has no log-prob.`);
    }
    for (const call of this.toolCalls)
      for (let i = call.start; i < call.end; i++)
        if (this.sources[i] !== "tool") throw new InvariantError(`${name}: tool output token ${i} is not masked.`);
  }

  toJSON(): TrajectoryData {
    return {
      ids: [...this.ids],
      sources: [...this.sources],
      logprobs: [...this.logprobs],
      entropies: [...this.entropies],
      promptLength: this.promptLength,
      toolCalls: [...this.toolCalls],
      limits: this.limits,
      stopReason: this.stopReason,
      forcedBoundaries: this.forcedBoundaries,
      ...(this.failure !== undefined && { failure: this.failure }),
    };
  }

  /** Text from outside must never become a special token that ends or redirects the sequence. */
  #encode(text: string): number[] {
    return this.tokenizer.encode(text, { specials: false });
  }

  #push(id: number, source: TokenSource, logprob: number | null = null, entropy: number | null = null): void {
    this.ids.push(id);
    this.sources.push(source);
    this.logprobs.push(logprob);
    this.entropies.push(entropy);
  }

  #accept(id: number, source: "sampled" | AgentSource, logprob: number | null, entropy: number | null): void {
    if (this.done || this.pendingCode !== null)
      throw new InvariantError("A token was written to a rollout that cannot take one.");
    this.#push(id, source, logprob, entropy);
    if (id === this.tokenizer.eosId) {
      this.stopReason = "completed";
      return;
    }
    const boundary = this.#matcher.push(this.tokenizer.tokenText(id));
    if (boundary && this.toolCalls.length < this.limits.maxToolCalls) {
      this.pendingCode = boundary.code;
      this.#endsWithNewline = boundary.overflow === "\n";
      if (boundary.overflow !== "" && !this.#endsWithNewline) this.#replaceLast(boundary.overflow);
    }
    if (this.pendingCode === null) this.#checkLength();
  }

  /** Swaps the last token for tokens that end with the fence: forced ones where it was sampled, else the agent's. */
  #replaceLast(overflow: string): void {
    const id = this.ids.pop()!;
    const written = this.sources.pop()!;
    this.logprobs.pop();
    this.entropies.pop();
    const text = this.tokenizer.tokenText(id);
    const source = written === "sampled" ? "forced" : written;
    for (const kept of this.#encode(text.slice(0, text.length - overflow.length))) this.#push(kept, source);
    if (source === "forced") this.forcedBoundaries++;
  }

  #checkLength(): void {
    if (!this.done && this.length >= this.limits.maxLength) this.stop("maxTokens");
  }

  #copyNotes(to: Trajectory, from: number, end: number): void {
    for (let i = from; i < end; i++) {
      to.logprobs[i] = this.logprobs[i]!;
      to.entropies[i] = this.entropies[i]!;
    }
  }

  /** Takes token `i` of another trajectory as it was: what was written in answer goes through the boundary rule again. */
  #replay(other: Trajectory, i: number): void {
    const id = other.ids[i]!;
    const source = other.sources[i]!;
    if (source === "sampled" || isAgentSource(source))
      this.#accept(id, source, other.logprobs[i]!, other.entropies[i]!);
    else {
      this.#push(id, source, other.logprobs[i], other.entropies[i]);
      this.#watchForced(id);
    }
  }

  /** Applies the boundary rule to a token that was put in. */
  #watchForced(id: number): void {
    if (id === this.tokenizer.eosId) {
      this.stopReason = "completed";
      return;
    }
    const boundary = this.#matcher.push(this.tokenizer.tokenText(id));
    if (!boundary || this.toolCalls.length >= this.limits.maxToolCalls) return;
    this.pendingCode = boundary.code;
    this.#endsWithNewline = boundary.overflow === "\n";
  }
}

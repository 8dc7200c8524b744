import type { BoundaryName } from "../boundary.ts";
import type { Message } from "../messages.ts";
import type { Task } from "../tasks/index.ts";
import type { AgentSource } from "../trajectory-types.ts";

/** A tool as chat APIs describe it. */
export interface ToolSchema {
  readonly type: "function";
  readonly function: { readonly name: string; readonly description: string; readonly parameters: unknown };
}

/** What tells a rollout's noise from any other's. */
export interface RolloutKeys {
  /** Training step or another number that tells batches apart. */
  readonly step: number;
  /** Which prompt of the batch. */
  readonly promptIndex: number;
  /** Which sample of the prompt. */
  readonly sampleIndex: number;
}

/** What an agent sees when it is its turn. */
export interface AgentTurn {
  /** The task, where the rollout has one. A script may look at its answer; a person or a model is shown the prompt. */
  readonly task: Task | undefined;
  /** The prompt as text. */
  readonly prompt: string;
  /** Everything after the prompt. */
  readonly text: string;
  /** What was written since the last tool output; a policy may have begun it. */
  readonly turnText: string;
  /** Prompt and text as a chat. */
  readonly messages: readonly Message[];
  /** Which turn, from 1: each but the last ends with a tool call. */
  readonly turn: number;
  /** Executions that are left; where there are none, code stays text. */
  readonly toolCallsLeft: number;
  /** How tools are asked for. */
  readonly boundary: BoundaryName;
  /** The tools, where the rollout has typed ones. */
  readonly tools: readonly ToolSchema[] | undefined;
  /** The rollout's numbers, from which it draws its noise. */
  readonly keys: RolloutKeys;
  readonly seed: number;
  readonly temperature: number;
  readonly topP: number;
  /** Aborted when the work is interrupted. */
  readonly signal: AbortSignal | undefined;
}

/** What an agent writes. */
export interface AgentReply {
  readonly text: string;
  /**
   * What comes after a text that holds no tool call: `"end"` ends the rollout as a policy's end token does (completed);
   * `"cut"` says that the agent was cut short (truncated, maxTokens); `"continue"` lets whoever is next write on, in a
   * mixture the policy. Default `"end"`.
   */
  readonly next?: "end" | "cut" | "continue";
  /** The agent's own tokens of the text with their log-probs (natural), where it tells them. */
  readonly logprobs?: readonly { readonly text: string; readonly logprob: number }[] | undefined;
}

/**
 * Whoever writes in a rollout and is no network. Its texts become tokens of the lab's tokenizer with its own source; what
 * it writes after a tool call is not kept, as nothing is kept that a policy would have sampled there.
 */
export interface Agent {
  /** For people and records; without secrets. */
  readonly name: string;
  readonly source: AgentSource;
  /** How many rollouts may wait for it at once. */
  readonly concurrency: number;
  /**
   * Writes one turn.
   *
   * @throws InfrastructureError where it failed for reasons that are not its own: the rollout is then lost and never scored.
   */
  reply(turn: AgentTurn): Promise<AgentReply>;
}

/** Tells an agent from a policy. */
export const isAgent = (writer: object): writer is Agent => "reply" in writer;

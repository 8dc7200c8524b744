import type { ExecutionResult } from "../interpreter/types.ts";
import type { BoundaryName } from "./boundary.ts";

/** Whoever writes in a rollout and is no network: a person, a script, a model behind an address. */
export const agentSources = ["person", "script", "remote"] as const;

export type AgentSource = (typeof agentSources)[number];

/**
 * Who wrote a token. Only `sampled` tokens are trained on as the policy's own. An agent's tokens answer the task as sampled
 * ones do, so rewards look at them, but the policy did not choose them.
 */
export type TokenSource = "prompt" | "sampled" | "tool" | "forced" | AgentSource;

/** Whether an agent wrote the token, and not the policy. */
export const isAgentSource = (source: TokenSource | undefined): source is AgentSource =>
  agentSources.includes(source as AgentSource);

/** One token of a rollout, as users see it. */
export interface Token {
  readonly id: number;
  readonly text: string;
  readonly source: TokenSource;
  /**
   * Natural log, under the policy that sampled, at the sampling temperature; an agent's token has the agent's own, where it
   * is known. Absent for the first token.
   */
  readonly logprob?: number;
  /** Entropy of the distribution that the token was drawn from, in nats. */
  readonly entropy?: number;
}

/** Why a rollout ended. */
export type StopReason =
  | "completed"
  | "maxTokens"
  | "maxTurns"
  | "maxToolCalls"
  | "filtered"
  | "interrupted"
  | "infrastructure";

/** One execution inside a rollout. */
export interface ToolCall {
  readonly code: string;
  readonly result: ExecutionResult;
  /** What the policy read. */
  readonly feedback: string;
  /** Token indices of the appended output, end excluded. */
  readonly start: number;
  readonly end: number;
  /** A person replaced the output. */
  readonly edited: boolean;
}

/** Limits of a rollout. */
export interface TrajectoryLimits {
  /** Executions allowed; later code is left as text (CIR). */
  maxToolCalls: number;
  /** Tokens in all, prompt included. */
  maxLength: number;
  /** How the policy asks for a tool. Default `"code"`. */
  boundary?: BoundaryName;
}

/** A trajectory as plain data: enough to show, train on, replay and fork it. */
export interface TrajectoryData {
  ids: number[];
  sources: TokenSource[];
  logprobs: (number | null)[];
  entropies: (number | null)[];
  promptLength: number;
  toolCalls: ToolCall[];
  limits: TrajectoryLimits;
  stopReason: StopReason | null;
  forcedBoundaries: number;
  /** What failed, where `stopReason` is `infrastructure` and it is known. */
  failure?: string;
}

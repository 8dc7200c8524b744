import { InterruptedError, InvalidInputError } from "../../base/errors.ts";
import type { BoundaryName } from "../boundary.ts";
import { messagesOf } from "../messages.ts";
import type { Task } from "../tasks/index.ts";
import type { Trajectory } from "../trajectory.ts";
import type { Agent, AgentTurn, RolloutKeys, ToolSchema } from "./agent.ts";
import { Draft } from "./draft.ts";

/** What an agent is told beside what the rollout itself says. */
export interface DeskOptions {
  readonly seed: number;
  readonly temperature: number;
  readonly topP: number;
  readonly tools: readonly ToolSchema[] | undefined;
  /** No policy writes on after the agent. */
  readonly isAlone: boolean;
}

/** Puts rollouts' turns to an agent, as many at once as it takes. */
export class AgentDesk {
  readonly agent: Agent;
  readonly #about: Omit<DeskOptions, "isAlone">;
  readonly #isAlone: boolean;
  readonly #queue: (() => void)[] = [];
  #busy = 0;

  constructor(agent: Agent, { isAlone, ...about }: DeskOptions) {
    this.agent = agent;
    this.#isAlone = isAlone;
    this.#about = about;
  }

  /**
   * Has the agent write on.
   *
   * @throws InterruptedError when `signal` is aborted.
   * @throws InvalidInputError for text that the rollout's tokenizer cannot write, a prompt that it could not, or an agent
   * that leaves the rest to nobody; what else the agent throws.
   */
  async ask(
    trajectory: Trajectory,
    { task, keys, signal }: { task: Task | undefined; keys: RolloutKeys; signal: AbortSignal | undefined },
  ): Promise<Draft> {
    if (this.#busy >= this.agent.concurrency) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#busy++;
    try {
      if (signal?.aborted) throw new InterruptedError();
      const turn = { ...turnOf(trajectory), ...this.#about, task, keys, signal };
      const reply = await this.agent.reply(turn);
      if (this.#isAlone && reply.next === "continue" && reply.text === "")
        throw new InvalidInputError(
          `${this.agent.name} wrote nothing and left the rest to a policy, but there is none.`,
          "Put it beside one with agents.mixture().",
        );
      return new Draft(trajectory.tokenizer, this.agent, reply);
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#busy--;
    }
  }
}

/** A rollout as the next to write sees it. */
function turnOf(
  trajectory: Trajectory,
): Pick<AgentTurn, "prompt" | "text" | "turnText" | "messages" | "turn" | "toolCallsLeft" | "boundary"> {
  const { tokenizer, ids, promptLength, toolCalls, limits } = trajectory;
  if (ids.lastIndexOf(tokenizer.unkId, promptLength - 1) >= 0)
    throw new InvalidInputError(
      "The prompt holds characters that the tokenizer cannot write, so an agent would not see what is asked: " +
        `${JSON.stringify(tokenizer.decode(ids.slice(0, promptLength)).slice(0, 200))}.`,
      "Give a tokenizer that can, or keep to its characters.",
    );
  const boundary: BoundaryName = limits.boundary ?? "code";
  return {
    prompt: tokenizer.decode(ids.slice(0, promptLength)),
    text: trajectory.text,
    turnText: trajectory.turnText,
    messages: messagesOf(trajectory),
    turn: toolCalls.length + 1,
    toolCallsLeft: Math.max(0, limits.maxToolCalls - toolCalls.length),
    boundary,
  };
}

import { InvalidInputError } from "../../base/errors.ts";
import type { Agent, AgentReply, AgentTurn } from "./agent.ts";

/** What a script writes in one turn. */
export type ScriptReply = string | AgentReply;

/** From what stands there to what comes next. */
export type ScriptFunction = (turn: AgentTurn) => ScriptReply | Promise<ScriptReply>;

/**
 * An agent that is code: a function, or a list with a text for each turn. After the last of a list it writes nothing more,
 * which ends the rollout.
 *
 * @param options `name`: what records call it. Default: the function's name, or `script`.
 * @example
 * const solver = agents.script(({ turn, task }) =>
 *   turn === 1 ? "```python\nprint(6*7)\n```" : `\\boxed{${task?.answer}}`,
 * );
 * const fixed = agents.script(["```python\nprint(6*7)\n```", "\\boxed{42}"]);
 */
export function script(turns: ScriptFunction | readonly ScriptReply[], options: { name?: string } = {}): Agent {
  const isList = Array.isArray(turns);
  if (!isList && typeof turns !== "function")
    throw new InvalidInputError("A script must be a function, or a list with a text for each turn.");
  const write: ScriptFunction = isList
    ? ({ turn }) => (turns as readonly ScriptReply[])[turn - 1] ?? ""
    : (turns as ScriptFunction);
  const name = options.name ?? ((!isList && (turns as ScriptFunction).name) || "script");
  return {
    name,
    source: "script",
    concurrency: Number.POSITIVE_INFINITY,
    async reply(turn) {
      const reply: unknown = await write(turn);
      if (typeof reply === "string") return { text: reply };
      if (typeof (reply as AgentReply | undefined)?.text === "string") return reply as AgentReply;
      throw new InvalidInputError(
        `The script ${name} gave no text in turn ${turn.turn} (it gave ${JSON.stringify(reply)}).`,
        "Return a string, or { text, next }.",
      );
    },
  };
}

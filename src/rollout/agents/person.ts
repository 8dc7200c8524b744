import { AsyncLocalStorage } from "node:async_hooks";
import { InterruptedError } from "../../base/errors.ts";
import { input, show } from "../../display/index.ts";
import { boundaryFormats, findCodeBlock } from "../boundary.ts";
import type { Agent, AgentReply, AgentTurn } from "./agent.ts";

/** Asks the person in another way than by lines. */
export type PersonForm = (turn: AgentTurn, situation: string) => Promise<AgentReply>;

const forms = new AsyncLocalStorage<PersonForm>();

/** Runs work in which a person that is asked gets a form in place of lines. */
export const withPersonForm = <T>(form: PersonForm, work: () => T): T => forms.run(form, work);

/** A line that hands over to whoever is next. */
const handOver = "...";

/**
 * A person at the keyboard: under the running cell of a notebook, else in the terminal. It types line by line. A block
 * of code runs when its closing fence is complete; an empty line outside of a block ends the rollout; a line `...` leaves
 * the rest to the policy, where it is a mixture.
 *
 * @example
 * const rollout = lab.rollout({ agent: agents.person(), interpreter: python, task: taskset.at(0) });
 * await rollout.finish();
 */
export function person(options: { name?: string } = {}): Agent {
  return {
    name: options.name ?? "person",
    source: "person",
    concurrency: 1,
    async reply(turn) {
      const form = forms.getStore();
      if (form) return form(turn, situation(turn));
      show({ "text/plain": `${situation(turn)} ${rules}` });
      try {
        return await typed(turn);
      } catch (error) {
        // A notebook ends the wait in its own way.
        if (turn.signal?.aborted) throw new InterruptedError("The person's turn was interrupted.", undefined, error);
        throw error;
      }
    },
  };
}

async function typed({ turnText, boundary, toolCallsLeft, signal }: AgentTurn): Promise<AgentReply> {
  const lines: string[] = [];
  for (;;) {
    const line = await input("> ", { signal });
    const isOpen = hasOpenBlock(turnText + lines.join("\n"), boundary);
    if (line === "" && !isOpen) return { text: lines.join("\n") };
    if (line === handOver && !isOpen) return { text: lines.map((one) => `${one}\n`).join(""), next: "continue" };
    lines.push(line);
    const text = lines.join("\n");
    if (toolCallsLeft && findCodeBlock(turnText + text, boundary)) return { text };
  }
}

/** Whether a block of code was begun and not closed: in it, an empty line is code. */
function hasOpenBlock(text: string, boundary: AgentTurn["boundary"]): boolean {
  const { opening, closing } = boundaryFormats[boundary];
  const at = text.indexOf(opening);
  return at >= 0 && !text.includes(closing, at + opening.length);
}

/** How lines end. */
const rules = `An empty line ends the rollout; ${handOver} leaves the rest to the policy.`;

/** What the person sees: the task or the news, and what is allowed. */
function situation({ prompt, messages, turn, toolCallsLeft, boundary }: AgentTurn): string {
  const { opening, closing } = boundaryFormats[boundary];
  const news = messages.slice(messages.findLastIndex(({ role }) => role !== "assistant")).map(({ content }) => content);
  const calls = toolCallsLeft
    ? `${opening} … ${closing} runs (${toolCallsLeft} left).`
    : "No tool call is left: code stays text.";
  return [turn === 1 ? prompt : "", turn === 1 ? news.slice(1).join("") : news.join(""), `Turn ${turn}. ${calls}`]
    .filter((part) => part !== "")
    .join("\n");
}

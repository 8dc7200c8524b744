import { outcomeOf, type RolloutView } from "./rollout-view.ts";

/** One rollout in a step's list. */
export interface RolloutRow {
  /** Place in the step's file, from 0. */
  readonly index: number;
  readonly group: number;
  readonly sample: number;
  readonly greedy?: true;
  readonly family: string;
  /** The beginning of the question, and of the answer to it. */
  readonly prompt: string;
  readonly response: string;
  readonly answer: string;
  readonly reward: number | null;
  readonly correct: boolean;
  readonly advantage?: number;
  readonly toolCalls: number;
  /** Tokens after the prompt. */
  readonly length: number;
  readonly stopReason: string | null;
  /** What became of it: `correct`, `too long`, `NameError`, `wrong answer`, ... */
  readonly outcome: string;
  /** Filters that marked it. */
  readonly marks: readonly string[];
}

/** What the list of a step's rollouts is made of. */
export interface StepRows {
  readonly rows: readonly RolloutRow[];
  /** Figures of tokens that were recorded. */
  readonly figures: readonly string[];
}

const shownText = 160;

/** The list of rollouts, and which figures of their tokens there are. */
export function rowsOf(rollouts: readonly RolloutView[]): StepRows {
  const figures = new Set<string>();
  const rows = rollouts.map((rollout, index): RolloutRow => {
    for (const [name, values] of Object.entries(rollout.figures))
      if (!figures.has(name) && values.some((value) => value !== null)) figures.add(name);
    const promptLength = rollout.sources[0]?.[0] === "prompt" ? rollout.sources[0][1] : 0;
    const { task, reward, advantage, toolCalls, stopReason, marks = [] } = rollout;
    return {
      index,
      group: rollout.group,
      sample: rollout.sample,
      ...(rollout.greedy && { greedy: true }),
      family: task.family,
      prompt: task.prompt.slice(0, shownText),
      response: rollout.texts
        .slice(promptLength, promptLength + shownText)
        .join("")
        .slice(0, shownText),
      answer: task.answer.slice(0, shownText),
      reward: reward?.reward ?? null,
      correct: reward?.correct ?? false,
      ...(advantage !== undefined && { advantage }),
      toolCalls: toolCalls.length,
      length: rollout.ids.length - promptLength,
      stopReason,
      outcome: outcomeOf(rollout),
      marks: marks.map(({ filter }) => filter),
    };
  });
  return { rows, figures: [...figures] };
}

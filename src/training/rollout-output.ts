import { type RolloutsOutput, type RolloutView, rolloutView } from "../display/index.ts";
import type { Advantages, Batch, ScoredRollout } from "./batch.ts";
import type { ObjectiveReport, TokenTerm } from "./objective.ts";

/** Rollouts, and tokens of them, that one output carries: it is saved with its notebook. */
const maxRollouts = 24;
const maxTokens = 8000;

/** What is known of a batch's rollouts beside themselves. */
export interface BatchFigures {
  readonly advantages?: Advantages;
  readonly objective?: ObjectiveReport;
}

/**
 * A scored rollout as viewers show it.
 *
 * @param figures further figures of its tokens, one value a token.
 */
export function scoredView(
  { group, sample, task, trajectory, reward, marks }: ScoredRollout,
  advantage?: number,
  figures?: Readonly<Record<string, readonly (number | null)[]>>,
): RolloutView {
  const nameOf = (id: number) => trajectory.tokenizer.tokenName(id);
  return rolloutView({ group, sample, task, trajectory, reward, marks, advantage }, nameOf, figures);
}

/** A batch for viewers of rollouts: the first of its rollouts, as many as a saved notebook should carry. */
export function rolloutsOutput(
  title: string,
  batch: Batch,
  { advantages, objective }: BatchFigures = {},
): RolloutsOutput {
  const terms = objective && byRollout(objective.tokens);
  const shown: RolloutView[] = [];
  let tokens = 0;
  for (const [i, rollout] of batch.rollouts.entries()) {
    tokens += rollout.trajectory.length;
    if (shown.length === maxRollouts || (shown.length > 0 && tokens > maxTokens)) break;
    const figures = terms && termFigures(rollout.trajectory.length, terms.get(i) ?? []);
    shown.push(scoredView(rollout, advantages?.perRollout[i], figures));
  }
  return { title, rollouts: shown, ...(shown.length < batch.rollouts.length && { total: batch.rollouts.length }) };
}

function byRollout(tokens: readonly TokenTerm[]): Map<number, TokenTerm[]> {
  const rollouts = new Map<number, TokenTerm[]>();
  for (const term of tokens) {
    const known = rollouts.get(term.rollout);
    if (known) known.push(term);
    else rollouts.set(term.rollout, [term]);
  }
  return rollouts;
}

/** What the objective says of a rollout's tokens, in columns. */
function termFigures(length: number, terms: readonly TokenTerm[]): Record<string, (number | null)[]> {
  const column = (of: (term: TokenTerm) => number | undefined): (number | null)[] => {
    const values = new Array<number | null>(length).fill(null);
    for (const term of terms) values[term.token] = of(term) ?? null;
    return values;
  };
  const has = (name: "refLogprob" | "value" | "return") => terms.some((term) => term[name] !== undefined);
  return {
    advantage: column((term) => term.advantage),
    ratio: column((term) => term.ratio),
    clipped: column((term) => Number(term.clipped)),
    lossTerm: column((term) => term.lossTerm),
    ...(has("refLogprob") && { refLogprob: column((term) => term.refLogprob) }),
    ...(has("value") && { value: column((term) => term.value) }),
    ...(has("return") && { return: column((term) => term.return) }),
  };
}

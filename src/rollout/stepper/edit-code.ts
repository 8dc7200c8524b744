import { InvalidInputError } from "../../base/errors.ts";
import { boundaryFormats } from "../boundary.ts";
import type { Rollout } from "../rollout.ts";

/** The code of a turn as people edit it: without the line breaks that only set it off from its fences. */
export const shownCode = (code: string): string => code.replace(/^\n/, "").replace(/\n$/, "");

/**
 * A fork in which a turn's code is another one. What stood before the code stays as it is; the new code is forced and
 * waits for its execution.
 *
 * @param turn which execution, from 1; the one after the last is the code that waits.
 * @throws InvalidInputError where the turn has no code.
 */
export function withCode(rollout: Rollout, turn: number, code: string): Rollout {
  const { toolCalls, promptLength, length, limits, ids, tokenizer } = rollout.trajectory;
  const isWaiting = turn === toolCalls.length + 1 && rollout.pendingCode !== null;
  const call = toolCalls[turn - 1];
  if (!call && !isWaiting) throw new InvalidInputError(`Turn ${turn} of this rollout has no code.`);
  const { opening, closing } = boundaryFormats[limits.boundary ?? "code"];
  const start = toolCalls[turn - 2]?.end ?? promptLength;
  const texts = ids.slice(start, call?.start ?? length).map((id) => tokenizer.tokenText(id));
  const text = texts.join("");
  const codeAt = text.indexOf(opening) + opening.length;
  // Whole tokens stay; of one that reaches into the code, its part before is forced.
  let kept = 0;
  let characters = 0;
  while (kept < texts.length && characters + texts[kept]!.length <= codeAt) characters += texts[kept++]!.length;
  const append = `${text.slice(characters, codeAt)}\n${shownCode(code)}\n${closing}`;
  return rollout.fork({ token: start + kept, append });
}

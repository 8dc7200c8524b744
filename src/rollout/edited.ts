import { InvalidInputError } from "../base/errors.ts";
import { Draft, encodeWritten } from "./agents/draft.ts";
import { boundaryFormats } from "./boundary.ts";
import type { RolloutEdit } from "./edits.ts";
import type { Trajectory } from "./trajectory.ts";

/** Whose words an edit holds. */
const person = { name: "the person", source: "person" } as const;

/** The code of a turn as people edit it: without the line breaks that only set it off from its fences. */
export const shownCode = (code: string): string => code.replace(/^\n/, "").replace(/\n$/, "");

/**
 * Where a turn's code begins.
 *
 * @param turn which execution, from 1; the one after the last is the code that waits.
 * @returns how many tokens stand before it, and the text between them and the code: of a token that reaches into it.
 * @throws InvalidInputError where the turn has no code.
 */
export function codePlace(trajectory: Trajectory, turn: number): { token: number; before: string } {
  const { toolCalls, promptLength, length, limits, ids, tokenizer } = trajectory;
  const isWaiting = turn === toolCalls.length + 1 && trajectory.pendingCode !== null;
  const call = toolCalls[turn - 1];
  if (!call && !isWaiting) throw new InvalidInputError(`Turn ${turn} of this rollout has no code.`);
  const { opening } = boundaryFormats[limits.boundary ?? "code"];
  const start = toolCalls[turn - 2]?.end ?? promptLength;
  const texts = ids.slice(start, call?.start ?? length).map((id) => tokenizer.tokenText(id));
  const text = texts.join("");
  const codeAt = text.indexOf(opening) + opening.length;
  let kept = 0;
  let characters = 0;
  while (kept < texts.length && characters + texts[kept]!.length <= codeAt) characters += texts[kept++]!.length;
  return { token: start + kept, before: text.slice(characters, codeAt) };
}

/** The text that stands for a code in a turn, from where it begins to its closing fence. */
export const codeText = (trajectory: Trajectory, code: string): string =>
  `\n${shownCode(code)}\n${boundaryFormats[trajectory.limits.boundary ?? "code"].closing}`;

/**
 * A trajectory that holds a person's change and is ready to go on from there; the given one stays as it is. What the person
 * wrote has the source `person`; an output is marked as edited.
 *
 * @throws InvalidInputError for a place that the rollout does not have or where nobody can write, and for text that the
 * tokenizer has no tokens for.
 */
export function edited(trajectory: Trajectory, edit: RolloutEdit): Trajectory {
  const { toolCalls, tokenizer } = trajectory;
  if (edit.kind === "output") {
    const call = toolCalls[edit.turn - 1];
    if (!call)
      throw new InvalidInputError(`This rollout has ${toolCalls.length} tool calls; turn ${edit.turn} is none.`);
    encodeWritten(tokenizer, edit.text, person.name);
    const fork = trajectory.fork(call.start);
    fork.acceptToolOutput({ ...call.result, stdout: edit.text }, edit.text, true);
    return fork;
  }
  if (edit.kind === "write") return written(trajectory, edit.token, edit.text, edit.next);
  const { token, before } = codePlace(trajectory, edit.turn);
  const fork = written(trajectory, token, before + codeText(trajectory, edit.text), "continue");
  if (fork.pendingCode === null || shownCode(fork.pendingCode) !== shownCode(edit.text))
    throw new InvalidInputError(
      "The code would not be taken as it is: it does not fit into the rollout, or holds the fence that ends it.",
    );
  return fork;
}

function written(trajectory: Trajectory, token: number, text: string, next: "continue" | "end"): Trajectory {
  const { promptLength, length, tokenizer } = trajectory;
  if (token < promptLength || token > length)
    throw new InvalidInputError(
      `token must lie between ${promptLength} (the prompt) and ${length} (the end), was ${token}.`,
    );
  if (text === "" && next === "continue") throw new InvalidInputError("Nothing was written.");
  const fork = trajectory.fork(token);
  if (fork.pendingCode !== null)
    throw new InvalidInputError(`At token ${token} a tool writes its output.`, "Change the output of the call.");
  if (fork.done)
    throw new InvalidInputError(`The rollout has ended at token ${token}.`, "Write from an earlier token on.");
  const draft = new Draft(tokenizer, person, { text, next });
  while (draft.place(fork));
  return fork;
}

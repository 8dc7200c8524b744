import { codePlace, codeText } from "../edited.ts";
import type { Rollout } from "../rollout.ts";

/**
 * A fork in which a turn's code is another one. What stood before the code stays as it is; the new code is forced and
 * waits for its execution.
 *
 * @param turn which execution, from 1; the one after the last is the code that waits.
 * @throws InvalidInputError where the turn has no code.
 */
export function withCode(rollout: Rollout, turn: number, code: string): Rollout {
  const { trajectory } = rollout;
  const { token, before } = codePlace(trajectory, turn);
  return rollout.fork({ token, append: before + codeText(trajectory, code) });
}

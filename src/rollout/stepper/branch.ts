import { visibleText } from "../../display/index.ts";
import { shownCode } from "../edited.ts";
import type { Rollout } from "../rollout.ts";
import type { Token } from "../trajectory.ts";

/** One way that a rollout may go. */
export interface Branch {
  readonly id: number;
  readonly name: string;
  readonly rollout: Rollout;
  /** Where it left another one: tokens up to there are the same. */
  readonly from?: { readonly branch: number; readonly token: number };
}

/** A token as the page gets it: its text with white space and control characters visible. */
interface ShownToken {
  id: number;
  text: string;
  source: Token["source"];
  logprob?: number;
  entropy?: number;
}

const rounded = (value: number): number => Number(value.toPrecision(5));

const shownToken = ({ id, text, source, logprob, entropy }: Token, name: (id: number) => string): ShownToken => ({
  id,
  text: visibleText(text || name(id)),
  source,
  ...(logprob !== undefined && { logprob: rounded(logprob) }),
  ...(entropy !== undefined && { entropy: rounded(entropy) }),
});

/** A branch as plain data for the page. */
export function branchData({ id, name, rollout, from }: Branch): Record<string, unknown> {
  const { trajectory, toolCalls, pendingCode, stopReason, reward, result, task } = rollout;
  const nameOf = (token: number) => trajectory.tokenizer.tokenName(token);
  return {
    id,
    name,
    ...(from && { from }),
    promptLength: trajectory.promptLength,
    tokens: rollout.tokens.map((token) => shownToken(token, nameOf)),
    calls: toolCalls.map(({ code, feedback, start, end, edited, result: { status } }) => ({
      ...{ code: shownCode(code), output: feedback, start, end, edited, status },
    })),
    ...(pendingCode !== null && { pending: shownCode(pendingCode) }),
    ...(stopReason !== null && { stopReason }),
    ...(reward !== undefined && { reward, correct: result?.correct === true, answer: String(task.answer) }),
    ...(trajectory.failure !== undefined && { failure: trajectory.failure }),
  };
}

/** The likely next tokens as the page gets them. */
export function candidateData(tokens: readonly Token[]): { id: number; text: string; probability: number }[] {
  return tokens.map(({ id, text, logprob }) => ({ id, text: visibleText(text), probability: Math.exp(logprob!) }));
}

import { InvalidInputError } from "../../base/errors.ts";
import type { Tokenizer } from "../../policy/tokenizer.ts";
import type { Trajectory } from "../trajectory.ts";
import type { Agent, AgentReply } from "./agent.ts";

/** A token that waits to be put into a rollout. */
interface DraftToken {
  readonly id: number;
  readonly logprob: number | null;
}

/** What an agent wrote, token by token. */
export class Draft {
  readonly #agent: Pick<Agent, "name" | "source">;
  readonly #tokens: readonly DraftToken[];
  readonly #isCut: boolean;
  #next = 0;

  /** @throws InvalidInputError for text that the tokenizer has no tokens for. */
  constructor(
    tokenizer: Tokenizer,
    agent: Pick<Agent, "name" | "source">,
    { text, next = "end", logprobs }: AgentReply,
  ) {
    const ids = encodeWritten(tokenizer, text, agent.name);
    const known =
      logprobs &&
      alignedLogprobs(
        ids.map((id) => tokenizer.tokenText(id)),
        logprobs,
      );
    const tokens = ids.map((id, i) => ({ id, logprob: known?.[i] ?? null }));
    this.#agent = agent;
    this.#tokens = next === "end" ? [...tokens, { id: tokenizer.eosId, logprob: null }] : tokens;
    this.#isCut = next === "cut";
  }

  /**
   * Puts the next token into the rollout.
   *
   * @returns whether there are more that the rollout can take: what comes after a tool call is not kept.
   */
  place(trajectory: Trajectory): boolean {
    const token = this.#tokens[this.#next++];
    if (token) trajectory.acceptWritten(token.id, this.#agent.source, token.logprob);
    if (trajectory.done || trajectory.pendingCode !== null) return false;
    if (this.#next < this.#tokens.length) return true;
    if (this.#isCut) trajectory.stop("maxTokens");
    return false;
  }
}

/**
 * Text from outside as tokens. Names of special tokens in it are ordinary text.
 *
 * @throws InvalidInputError naming the first character that the tokenizer has no token for.
 */
export function encodeWritten(tokenizer: Tokenizer, text: string, writer: string): number[] {
  const ids = tokenizer.encode(text, { specials: false });
  if (tokenizer.decode(ids) === text) return ids;
  const foreign = [...text].find((character) => {
    const alone = tokenizer.encode(character, { specials: false });
    return tokenizer.decode(alone) !== character;
  });
  const what = foreign === undefined ? JSON.stringify(text.slice(0, 80)) : JSON.stringify(foreign);
  const code =
    foreign === undefined ? "" : ` (U+${foreign.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")})`;
  throw new InvalidInputError(
    `The tokenizer cannot write ${what}${code}, which is in the text of ${writer}.`,
    "Give a tokenizer that can, or keep to its characters.",
  );
}

/**
 * The log-probs of those tokens that the writer's tokenizer cuts out of the text just as ours does; null for the others: a
 * log-prob belongs to a token, not to its characters.
 */
function alignedLogprobs(
  texts: readonly string[],
  theirs: readonly { readonly text: string; readonly logprob: number }[],
): (number | null)[] {
  const spans = new Map<string, number>();
  let at = 0;
  for (const { text, logprob } of theirs) {
    spans.set(`${at}-${at + text.length}`, logprob);
    at += text.length;
  }
  if (theirs.map(({ text }) => text).join("") !== texts.join("")) return texts.map(() => null);
  let from = 0;
  return texts.map((text) => {
    const span = `${from}-${from + text.length}`;
    from += text.length;
    const logprob = spans.get(span);
    return logprob !== undefined && Number.isFinite(logprob) && logprob <= 0 ? logprob : null;
  });
}

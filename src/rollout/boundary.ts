/** How a policy asks for a tool, and how the answer is put to it. */
export interface BoundaryFormat {
  readonly opening: string;
  /** What ends the block; what is sampled after it is never kept. */
  readonly closing: string;
  /** What stands around an answer. */
  readonly answer: readonly [before: string, after: string];
  /** The tool runs only where this very token is sampled; a closing in other tokens passes unnoticed. Default: any. */
  readonly stopToken?: string;
}

/** The formats, by name. */
export const boundaryFormats = {
  /** CIR's fenced Python. */
  code: { opening: "```python", closing: "```", answer: ["```output", "```"] },
  /**
   * Not CIR's rule but what it replaces: generation stops at one token, although a fence has several tokenisations.
   * Nothing is cut, so what the policy wrote after an unnoticed fence stays.
   */
  stopToken: { opening: "```python", closing: "```", answer: ["```output", "```"], stopToken: "```\n" },
  /** ToolRL's calls and observations (arXiv:2504.13958). */
  toolCall: { opening: "<tool_call>", closing: "</tool_call>", answer: ["<obs>", "</obs>"] },
} as const satisfies Record<string, BoundaryFormat>;

/** Name of a {@link BoundaryFormat}. */
export type BoundaryName = keyof typeof boundaryFormats;

export const boundaryNames = Object.keys(boundaryFormats) as [BoundaryName, ...BoundaryName[]];

/** A closed block of code in a policy's text. */
export interface CodeBlock {
  /** What stands between the fences, as it is. */
  code: string;
  /** Characters of the text up to and including the closing fence: what is kept. */
  end: number;
}

/**
 * The paper's rule on a whole text: the first opening (` ```python `) and the first closing after it (the fence), if
 * anything but white space stands between them. The first block alone decides: an empty one hides those after it.
 *
 * @param text what was sampled since the last tool output (or the prompt).
 * @see arXiv:2505.24480, section on precise interaction-boundary matching; `detect_code` of its code.
 */
export function findCodeBlock(text: string, boundary: BoundaryName = "code"): CodeBlock | undefined {
  const { opening, closing } = boundaryFormats[boundary];
  const at = text.indexOf(opening);
  const start = at + opening.length;
  const close = at < 0 ? -1 : text.indexOf(closing, start);
  if (close < 0) return undefined;
  const code = text.slice(start, close);
  return code.trim() === "" ? undefined : { code, end: close + closing.length };
}

/** A boundary met while sampling. */
export interface Boundary extends CodeBlock {
  /** What the completing token holds beyond the closing fence. */
  overflow: string;
}

/**
 * Finds the boundary as tokens are sampled, at the very token that completes the closing fence, so that nothing is
 * sampled beyond it. The kept text equals what {@link findCodeBlock} keeps of any continuation.
 */
export class BoundaryMatcher {
  readonly #name: BoundaryName;
  readonly #format: BoundaryFormat;
  #text = "";
  /** Where the code starts; -1 until the opening fence is complete. */
  #start = -1;
  #decided = false;

  constructor(boundary: BoundaryName = "code") {
    this.#name = boundary;
    this.#format = boundaryFormats[boundary];
  }

  /**
   * Takes the text of the next sampled token.
   *
   * @returns the boundary at the token that completes it, once; otherwise undefined.
   */
  push(tokenText: string): Boundary | undefined {
    if (this.#decided) return undefined;
    const { opening, closing, stopToken } = this.#format;
    if (stopToken !== undefined) return this.#pushUntilStop(tokenText, stopToken);
    // A fence may begin in earlier tokens, but not so early that it would have been complete before this one.
    const seen = this.#text.length;
    this.#text += tokenText;
    if (this.#start < 0) {
      const at = this.#text.indexOf(opening, Math.max(0, seen - opening.length + 1));
      if (at < 0) return undefined;
      this.#start = at + opening.length;
    }
    const close = this.#text.indexOf(closing, Math.max(this.#start, seen - closing.length + 1));
    if (close < 0) return undefined;
    this.#decided = true;
    const code = this.#text.slice(this.#start, close);
    if (code.trim() === "") return undefined;
    const end = close + closing.length;
    return { code, end, overflow: this.#text.slice(end) };
  }

  #pushUntilStop(tokenText: string, stopToken: string): Boundary | undefined {
    this.#text += tokenText;
    const block = tokenText === stopToken ? findCodeBlock(this.#text, this.#name) : undefined;
    if (!block) return undefined;
    this.#decided = true;
    const overflow = stopToken.endsWith("\n") ? "\n" : "";
    return { code: block.code, end: this.#text.length - overflow.length, overflow };
  }

  /** Starts again: a tool output was appended. */
  reset(): void {
    this.#text = "";
    this.#start = -1;
    this.#decided = false;
  }
}

/**
 * The text of a tool's answer as the policy reads it.
 *
 * @param output the interpreter's feedback.
 * @param afterNewline the last kept token already ends the closing's line (its overflow was exactly `"\n"`).
 */
export function toolOutputText(output: string, afterNewline: boolean, boundary: BoundaryName = "code"): string {
  const [before, after] = boundaryFormats[boundary].answer;
  return `${afterNewline ? "" : "\n"}${before}\n${output}\n${after}\n`;
}

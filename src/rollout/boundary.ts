const OPENING = "```python";
const FENCE = "```";
const BLOCK = /```python([\s\S]*?)```/;

/** A closed block of code in a policy's text. */
export interface CodeBlock {
  /** What stands between the fences, as it is. */
  code: string;
  /** Characters of the text up to and including the closing fence: what is kept. */
  end: number;
}

/**
 * The paper's rule on a whole text: the first ` ```python ` and the first closing fence after it, if anything but white
 * space stands between them. The first block alone decides: an empty one hides those after it.
 *
 * @param text what was sampled since the last tool output (or the prompt).
 * @see arXiv:2505.24480, section on precise interaction-boundary matching; `detect_code` of its code.
 */
export function findCodeBlock(text: string): CodeBlock | undefined {
  const match = BLOCK.exec(text);
  if (!match || match[1]!.trim() === "") return undefined;
  return { code: match[1]!, end: match.index + match[0].length };
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
  #text = "";
  /** Where the code starts; -1 until the opening fence is complete. */
  #start = -1;
  #decided = false;

  /**
   * Takes the text of the next sampled token.
   *
   * @returns the boundary at the token that completes it, once; otherwise undefined.
   */
  push(tokenText: string): Boundary | undefined {
    if (this.#decided) return undefined;
    // A fence may begin in earlier tokens, but not so early that it would have been complete before this one.
    const seen = this.#text.length;
    this.#text += tokenText;
    if (this.#start < 0) {
      const at = this.#text.indexOf(OPENING, Math.max(0, seen - OPENING.length + 1));
      if (at < 0) return undefined;
      this.#start = at + OPENING.length;
    }
    const close = this.#text.indexOf(FENCE, Math.max(this.#start, seen - FENCE.length + 1));
    if (close < 0) return undefined;
    this.#decided = true;
    const code = this.#text.slice(this.#start, close);
    if (code.trim() === "") return undefined;
    const end = close + FENCE.length;
    return { code, end, overflow: this.#text.slice(end) };
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
 * @param afterNewline the last kept token already ends the fence's line (its overflow was exactly `"\n"`).
 */
export function toolOutputText(output: string, afterNewline: boolean): string {
  return `${afterNewline ? "" : "\n"}\`\`\`output\n${output}\n\`\`\`\n`;
}

/** Characters kept for a client that comes later or comes back. */
const maxChars = 500_000;

/**
 * Questions that a program puts to the terminal (its kind, its colours, where the cursor is). Replayed, they would be
 * answered a second time, and the answer would be typed into the shell.
 */
const questions = new RegExp(
  ["\\x1b\\[[>=?]?[\\d;]*[cn]", "\\x1b\\][\\d;]*\\?(?:\\x07|\\x1b\\\\)", "\\x1bP[+$]q[^\\x1b]*\\x1b\\\\"].join("|"),
  "g",
);

/** The newest output of a terminal. */
export class Scrollback {
  #chunks: string[] = [];
  #length = 0;

  add(text: string): void {
    this.#chunks.push(text);
    this.#length += text.length;
    // Joined only now and then: a program may write many small pieces.
    if (this.#length > 2 * maxChars) this.#compact();
  }

  /** The kept output, fit to be shown again. */
  get text(): string {
    this.#compact();
    return this.#chunks.join("").replace(questions, "");
  }

  #compact(): void {
    let text = this.#chunks.join("");
    if (text.length > maxChars) {
      text = text.slice(-maxChars);
      // From the start of a line on, so that no escape sequence is cut in two.
      text = text.slice(text.indexOf("\n") + 1);
    }
    this.#chunks = [text];
    this.#length = text.length;
  }
}

/**
 * Text as JupyterLab shows a stream: a carriage return goes back to the line's start, a backspace one character back, and
 * what follows overwrites. Only the last line can still change.
 */
export class TerminalText {
  #done = "";
  #line = "";
  #column = 0;

  get text(): string {
    return this.#done + this.#line;
  }

  get length(): number {
    return this.#done.length + this.#line.length;
  }

  /** Text that, written into an empty one, gives this text with the same place for what comes next. */
  get script(): string {
    const rest = this.#column < this.#line.length ? `\r${this.#line.slice(0, this.#column)}` : "";
    return this.text + rest;
  }

  write(text: string): void {
    let from = 0;
    for (;;) {
      const at = nextControl(text, from);
      const piece = text.slice(from, at < 0 ? undefined : at);
      this.#line = this.#line.slice(0, this.#column) + piece + this.#line.slice(this.#column + piece.length);
      this.#column += piece.length;
      if (at < 0) return;
      from = at + 1;
      const control = text[at];
      if (control === "\r") {
        this.#column = 0;
      } else if (control === "\n") {
        this.#done += `${this.#line}\n`;
        this.#line = "";
        this.#column = 0;
      } else if (this.#column > 0) {
        // As JupyterLab does: the character under the cursor goes too.
        this.#line = this.#line.slice(0, this.#column - 1) + this.#line.slice(this.#column + 1);
        this.#column--;
      }
    }
  }

  /** Drops the oldest lines until at most `size` characters are left, if whole lines allow it. */
  keepLast(size: number): void {
    const from = this.#done.indexOf("\n", this.length - size);
    this.#done = from < 0 ? "" : this.#done.slice(from + 1);
  }
}

/** Where the next line feed, carriage return or backspace stands; -1 without one. */
function nextControl(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 10 || code === 13 || code === 8) return i;
  }
  return -1;
}

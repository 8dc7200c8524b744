import { ParseError, type Token } from "./tokens.ts";
import type { Tree } from "./tree.ts";

/** What the parts of the parser call of one another. */
export interface Grammar {
  readonly reader: TokenReader;
  /** A relation, or a value where there is none. */
  statement(): Tree;
  /** A sum, without relations and lists. */
  sum(): Tree;
  /** A factor with its powers and signs behind it (`x^2`, `5!`, `30°`). */
  factor(): Tree;
  /** Statements between separators, up to a token that is none. */
  list(): { items: Tree[]; or: boolean };
  /** Parses with `|` as a closing sign rather than an opening one. */
  insideBars<T>(parse: () => T): T;
  /** Parses with `|` opening again, as behind a bracket. */
  outsideBars<T>(parse: () => T): T;
}

/** A place in a row of tokens. */
export class TokenReader {
  at = 0;
  readonly #tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get ended(): boolean {
    return this.at >= this.#tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.at + ahead];
  }

  next(): Token {
    const token = this.#tokens[this.at];
    if (!token) throw new ParseError("the answer ends too early");
    this.at++;
    return token;
  }

  /** Whether the next token is one of these signs. */
  isOp(...signs: string[]): boolean {
    const token = this.peek();
    return token?.type === "op" && signs.includes(token.text);
  }

  isCommand(...names: string[]): boolean {
    const token = this.peek();
    return token?.type === "command" && names.includes(token.text);
  }

  /** The sign, if it is one of these; it is passed then. */
  accept(...signs: string[]): string | undefined {
    return this.isOp(...signs) ? this.next().text : undefined;
  }

  expect(...signs: string[]): string {
    const sign = this.accept(...signs);
    if (sign === undefined)
      throw new ParseError(`expected ${signs.join(" or ")}, found ${this.peek()?.text ?? "the end"}`);
    return sign;
  }
}

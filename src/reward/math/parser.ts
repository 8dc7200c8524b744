// A Pratt parser over the tokens: own grammar, made from the notation guides that tokens.ts names.
import { apply, inBase, parseAtom, startsFactor } from "./atoms.ts";
import { type Grammar, TokenReader } from "./reader.ts";
import { ParseError, tokenise } from "./tokens.ts";
import { call, negative, num, power, product, quotient, type RelationSign, sum, type Tree } from "./tree.ts";

/** Answers longer than this are only compared as text. Characters. */
export const maxParsedLength = 4000;
const maxDepth = 150;
const relationSigns: Record<string, RelationSign> = {
  ...{ "=": "=", "≈": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", in: "in" },
};

class Parser implements Grammar {
  readonly reader: TokenReader;
  #depth = 0;
  #bars = 0;

  constructor(source: string, thousands: boolean) {
    this.reader = new TokenReader(tokenise(source, { thousands }));
  }

  whole(): Tree {
    const { reader } = this;
    reader.accept("≈", "=");
    const { items, or } = this.list();
    if (!reader.ended) throw new ParseError(`unexpected ${reader.peek()!.text}`);
    return items.length === 1 ? items[0]! : { kind: "sequence", open: "", close: "", items, ...(or ? { or } : {}) };
  }

  insideBars<T>(parse: () => T): T {
    this.#bars++;
    try {
      return parse();
    } finally {
      this.#bars--;
    }
  }

  outsideBars<T>(parse: () => T): T {
    const before = this.#bars;
    this.#bars = 0;
    try {
      return parse();
    } finally {
      this.#bars = before;
    }
  }

  list(): { items: Tree[]; or: boolean } {
    const { reader } = this;
    const items = [this.statement()];
    let or = false;
    while (reader.isOp(",", ";", "or", "and")) {
      do or ||= reader.next().text === "or";
      while (reader.isOp(",", ";", "or", "and"));
      if (reader.ended) break;
      items.push(this.statement());
    }
    return { items, or };
  }

  statement(): Tree {
    if (++this.#depth > maxDepth) throw new ParseError("nested too deeply");
    try {
      const label = this.#label();
      const items = [label ?? this.#sets()];
      const operators: RelationSign[] = [];
      const { reader } = this;
      while (reader.isOp("≡", ...Object.keys(relationSigns))) {
        const sign = reader.next().text;
        items.push(this.#sets());
        operators.push(relationSigns[sign] ?? "=");
      }
      const value: Tree = operators.length ? { kind: "relation", operators, items } : items[0]!;
      return this.#modulo(value);
    } finally {
      this.#depth--;
    }
  }

  /** `P(x) =`, `\text{Area} =`: what stands before the sign only names the answer. */
  #label(): Tree | undefined {
    const { reader } = this;
    const first = reader.peek();
    if (first?.type === "text" && reader.peek(1)?.text === ":") {
      reader.next();
      reader.next();
      return undefined;
    }
    if (first?.type !== "name" || reader.peek(1)?.text !== "(") return undefined;
    let ahead = 2;
    while (reader.peek(ahead) && reader.peek(ahead)!.text !== ")") ahead++;
    if (reader.peek(ahead + 1)?.text !== "=") return undefined;
    return apply(this, reader.next().text);
  }

  #modulo(value: Tree): Tree {
    const { reader } = this;
    const bracket = reader.isOp("(") && reader.peek(1)?.text === "mod" ? reader.next().text : undefined;
    if (!reader.isCommand("pmod", "bmod", "mod")) return value;
    reader.next();
    const modulus = this.factor();
    if (bracket) reader.expect(")");
    return { kind: "modulo", value, modulus };
  }

  #sets(): Tree {
    const { reader } = this;
    let left = this.#ratio();
    for (let sign = reader.accept("∪", "∩", "∖"); sign; sign = reader.accept("∪", "∩", "∖")) {
      const kind = sign === "∪" ? "union" : sign === "∩" ? "intersection" : "difference";
      const right = this.#ratio();
      left =
        left.kind === kind && kind !== "difference"
          ? { kind, items: [...left.items, right] }
          : { kind, items: [left, right] };
    }
    return left;
  }

  #ratio(): Tree {
    const items = [this.sum()];
    while (this.#bars === 0 && this.reader.accept(":")) items.push(this.sum());
    return items.length === 1 ? items[0]! : { kind: "ratio", items };
  }

  sum(): Tree {
    if (++this.#depth > maxDepth) throw new ParseError("nested too deeply");
    const { reader } = this;
    const items: Tree[] = [];
    let sign = reader.accept("+", "-", "±", "∓") ?? "+";
    for (;;) {
      const term = this.#product();
      if (sign === "+") items.push(term);
      else if (sign === "-") items.push(negative(term));
      else items.push({ kind: "plusMinus", sign: sign === "±" ? 1 : -1, of: term });
      const next = reader.accept("+", "-", "±", "∓");
      if (!next) break;
      sign = next;
    }
    this.#depth--;
    return sum(...items);
  }

  #product(): Tree {
    const { reader } = this;
    let left = this.#signed();
    for (;;) {
      const before = reader.peek(-1);
      if (reader.accept("*")) left = product(left, this.#signed());
      else if (reader.accept("/")) left = quotient(left, this.#signed());
      else if (left.kind !== "quantity" && startsFactor(this, this.#bars === 0)) {
        const next = reader.peek()!;
        if (next.text === "[" || (next.text === "(" && reader.peek(1)?.text === "mod")) return left;
        if (next.type === "number") {
          const mixed = left.kind === "number" && next.spaced ? this.#mixed(left) : undefined;
          if (mixed) {
            left = mixed;
            continue;
          }
          if (before?.type === "number" || before?.type === "name") throw new ParseError("two numbers side by side");
        }
        const mixed =
          left.kind === "number" && before?.type === "number" && next.text === "frac" ? this.#mixed(left) : undefined;
        left = mixed ?? product(left, this.factor());
      } else if (reader.peek()?.type === "text" && left.kind !== "text") left = this.#withUnit(left);
      else return left;
    }
  }

  /** `3\frac12` and `3 1/2`: a whole number and a proper fraction of whole numbers. Else undefined, nothing read. */
  #mixed(whole: Extract<Tree, { kind: "number" }>): Tree | undefined {
    const { reader } = this;
    const start = reader.at;
    const parts: (bigint | undefined)[] = [];
    const digits = (): void => {
      const braced = reader.accept("{");
      const token = reader.peek();
      const isDigits = token?.type === "number" && token.value?.d === 1n && /^\d+$/.test(token.text);
      parts.push(isDigits ? reader.next().value!.n : undefined);
      if (braced && !reader.accept("}")) parts.push(undefined);
    };
    if (reader.isCommand("frac")) {
      reader.next();
      digits();
      if (parts[0] !== undefined) digits();
    } else {
      digits();
      if (parts[0] !== undefined && reader.accept("/")) digits();
    }
    const [above, below] = parts;
    if (
      parts.length === 2 &&
      above !== undefined &&
      below !== undefined &&
      above < below &&
      whole.value.d === 1n &&
      above > 0n
    )
      return sum(whole, quotient(num(above), num(below)));
    reader.at = start;
    return undefined;
  }

  /** A value and its unit: `5 \text{ cm}^2`, `60 \text{ km}/\text{h}`. */
  #withUnit(value: Tree): Tree {
    const { reader } = this;
    let unit = "";
    for (;;) {
      const token = reader.peek();
      if (token?.type === "text") unit += ` ${reader.next().text}`;
      else if (reader.isOp("^") && unit) {
        reader.next();
        const braced = reader.accept("{");
        const minus = reader.accept("-") ?? "";
        const exponent = reader.next();
        if (exponent.type !== "number") throw new ParseError("a unit's exponent");
        if (braced) reader.expect("}");
        unit += `^${minus}${exponent.text}`;
      } else if (reader.isOp("/", "*") && reader.peek(1)?.type === "text") unit += reader.next().text;
      else break;
    }
    return { kind: "quantity", value, unit: unit.trim() };
  }

  #signed(): Tree {
    const sign = this.reader.accept("-", "+", "±", "∓");
    if (!sign) return this.factor();
    if (++this.#depth > maxDepth) throw new ParseError("nested too deeply");
    const of = this.#signed();
    this.#depth--;
    return sign === "+" ? of : sign === "-" ? negative(of) : { kind: "plusMinus", sign: sign === "±" ? 1 : -1, of };
  }

  factor(): Tree {
    const { reader } = this;
    if (++this.#depth > maxDepth) throw new ParseError("nested too deeply");
    let base = parseAtom(this);
    for (;;) {
      if (reader.accept("!")) base = call("factorial", base);
      else if (reader.accept("%")) base = { kind: "quantity", value: base, unit: "%" };
      else if (reader.accept("°")) base = { kind: "quantity", value: base, unit: "deg" };
      else if (base.kind !== "text" && reader.accept("^")) base = this.#raised(base);
      else break;
    }
    this.#depth--;
    return base;
  }

  #raised(base: Tree): Tree {
    const { reader } = this;
    if (reader.accept("°")) return { kind: "quantity", value: base, unit: "deg" };
    if (reader.isOp("{") && reader.peek(1)?.text === "°" && reader.peek(2)?.text === "}") {
      reader.at += 3;
      return { kind: "quantity", value: base, unit: "deg" };
    }
    if (reader.accept("{")) {
      const exponent = this.outsideBars(() => this.sum());
      reader.expect("}");
      return power(base, exponent);
    }
    // 2^3^2 without braces is 2^(3^2).
    const minus = reader.accept("-");
    const exponent = this.factor();
    return power(base, minus ? negative(exponent) : exponent);
  }
}

/** Removes what surrounds an answer: mathematics signs, a full stop at its end, a box. */
export function trimAnswer(text: string): string {
  return text
    .trim()
    .replace(/^(?:\\\(|\\\[)([\s\S]*)(?:\\\)|\\\])$/, "$1")
    .replace(/^\\\$([^$]*)\\\$$/, "$1")
    .replace(/^\$+([^$]*)\$+$/, "$1")
    .trim()
    .replace(/(?<!\\|\.)[.,;]$/, "")
    .trim();
}

/**
 * The ways to read an answer, most likely first: `1,234` is a number or a list of two.
 *
 * @throws ParseError where it cannot be read; TooLargeError for huge numbers.
 */
export function readings(answer: string): Tree[] {
  const text = trimAnswer(answer);
  if (text.length > maxParsedLength) throw new ParseError(`longer than ${maxParsedLength} characters`);
  if (text === "") throw new ParseError("empty");
  const based = /^(?:\(|\\text\{|\\mathrm\{)?([\da-fA-F]*[a-fA-F][\da-fA-F]*)[)}]?_\{?(?:\\text\{)?(\d{1,2})\}*$/.exec(
    text,
  );
  if (based && /\d{2}/.test(based[2]!)) return [inBase(based[1]!, based[2]!)];
  const first = new Parser(text, true).whole();
  // `1,000` is no list of 1 and 000.
  if (!/\d,\d{3}(?!\d)/.test(text) || /,0\d/.test(text)) return [first];
  try {
    return [first, new Parser(text, false).whole()];
  } catch (error) {
    if (error instanceof ParseError) return [first];
    throw error;
  }
}

import { functionNames } from "./notation.ts";
import type { Grammar } from "./reader.ts";
import { ParseError } from "./tokens.ts";
import { call, num, power, product, quotient, symbol, type Tree } from "./tree.ts";

type Sequence = Extract<Tree, { kind: "sequence" }>;

const aliases: Record<string, string> = { asin: "arcsin", acos: "arccos", atan: "arctan" };
const namedSets: Record<string, Extract<Tree, { kind: "named" }>["name"]> = {
  ...{ varnothing: "empty", setR: "R", setZ: "Z", setQ: "Q", setN: "N", setC: "C", reals: "R", integers: "Z" },
};
const greek = new Set([
  ...["alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa"],
  ...["lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma"],
  ...["Delta", "Theta", "Lambda", "Xi", "Sigma", "Phi", "Psi", "Omega", "ell", "Pi"],
]);
const matrices = new Set(["pmatrix", "bmatrix", "Bmatrix", "matrix", "smallmatrix", "psmallmatrix", "array"]);
const closings: Record<string, string[]> = { "(": [")", "]"], "[": ["]", ")"], "\\{": ["\\}"], "⟨": ["⟩"], "{": ["}"] };

/** Whether the next token can begin a factor. */
export function startsFactor({ reader }: Grammar, barsOpen: boolean): boolean {
  const token = reader.peek();
  if (!token) return false;
  if (token.type === "number" || token.type === "name") return true;
  if (token.type === "command") return !["pmod", "bmod", "mod", "rfloor", "rceil", "end"].includes(token.text);
  return (
    token.type === "op" &&
    (["(", "{", "[", "‖"].includes(token.text) ? token.text !== "‖" || barsOpen : token.text === "|" && barsOpen)
  );
}

/** A number, name, bracket, command with its arguments. */
export function parseAtom(grammar: Grammar): Tree {
  const { reader } = grammar;
  const token = reader.next();
  if (token.type === "number") return number(grammar, token.text, { kind: "number", value: token.value! });
  if (token.type === "name") return name(grammar, token.text);
  if (token.type === "text") return { kind: "text", text: token.text };
  if (token.type === "command") return command(grammar, token.text);
  switch (token.text) {
    case "(":
    case "[":
    case "\\{":
    case "{":
    case "⟨":
      return grammar.outsideBars(() => brackets(grammar, token.text));
    case "|":
    case "‖": {
      const inside = grammar.insideBars(() => grammar.sum());
      reader.expect(token.text);
      return call("abs", inside);
    }
    case "$":
      return { kind: "quantity", value: grammar.factor(), unit: "$" };
    default:
      throw new ParseError(`unexpected ${token.text}`);
  }
}

/** `1010_2`: digits of another base; else the number itself. */
function number({ reader }: Grammar, text: string, plain: Tree): Tree {
  if (!reader.isOp("_")) return plain;
  reader.next();
  const braced = reader.accept("{");
  const base = reader.next();
  if (braced) reader.expect("}");
  return inBase(text, base.text);
}

/** The number that digits mean in a base of 2 to 36. */
export function inBase(digits: string, base: string): Tree {
  const b = Number(base);
  if (!/^\d{1,2}$/.test(base) || b < 2 || b > 36 || !/^[\da-zA-Z]{1,200}$/.test(digits))
    throw new ParseError(`no number of base ${base}`);
  let value = 0n;
  for (const sign of digits) {
    const digit = Number.parseInt(sign, 36);
    if (digit >= b) throw new ParseError(`${sign} is no digit of base ${base}`);
    value = value * BigInt(b) + BigInt(digit);
  }
  return num(value);
}

function name(grammar: Grammar, letter: string): Tree {
  const { reader } = grammar;
  let full = letter;
  while (reader.isOp("'")) full += reader.next().text;
  if (reader.isOp("_")) full += `_${subscript(grammar)}`;
  if (full === "e" || full === "i") return { kind: "constant", name: full };
  if (/^[fgh]/.test(full) && reader.isOp("(") && !reader.peek()!.spaced) return apply(grammar, full);
  return symbol(full);
}

/** `f(x)`, kept as it is. */
export function apply(grammar: Grammar, name: string): Tree {
  const { reader } = grammar;
  reader.expect("(");
  const { items } = grammar.outsideBars(() => grammar.list());
  reader.expect(")");
  return call(`apply:${name}`, ...items);
}

function subscript({ reader }: Grammar): string {
  reader.expect("_");
  if (!reader.accept("{")) return reader.next().text;
  let text = "";
  for (let depth = 1; ; ) {
    const { text: piece } = reader.next();
    if (piece === "{") depth++;
    if (piece === "}" && --depth === 0) return text;
    text += piece;
  }
}

function brackets(grammar: Grammar, open: string): Tree {
  const { reader } = grammar;
  const closing = closings[open]!;
  if (reader.isOp(...closing)) {
    reader.next();
    if (open === "\\{" || open === "{") return { kind: "named", name: "empty" };
    throw new ParseError("empty brackets");
  }
  if (open === "\\{") return set(grammar);
  const { items, or } = grammar.list();
  const close = reader.expect(...closing);
  const pair = { "[": "[", "(": "(", "{": "{", "⟨": "<" }[open] as Sequence["open"];
  const end = { "]": "]", ")": ")", "}": "}", "⟩": ">" }[close] as Sequence["close"];
  if (items.length > 1) return { kind: "sequence", open: pair, close: end, items, ...(or ? { or } : {}) };
  if (reader.isOp("_") && items[0]!.kind === "number") return number(grammar, String(items[0]!.value.n), items[0]!);
  return open === "⟨" ? { kind: "sequence", open: pair, close: end, items } : items[0]!;
}

/** `{1, 2}`, or `{x | x > 3}`, which is read as its condition. */
function set(grammar: Grammar): Tree {
  const { reader } = grammar;
  const { items } = grammar.insideBars(() => grammar.list());
  if (items.length === 1 && reader.accept("|", ":")) {
    const conditions = grammar.list().items;
    reader.expect("\\}");
    if (conditions.length !== 1) throw new ParseError("a set with several conditions");
    return conditions[0]!;
  }
  reader.expect("\\}");
  return { kind: "sequence", open: "{", close: "}", items };
}

/** An argument of a command: a group, or one atom. */
function argument(grammar: Grammar): Tree {
  const { reader } = grammar;
  if (!reader.isOp("{")) return parseAtom(grammar);
  reader.next();
  const inside = grammar.outsideBars(() => grammar.sum());
  reader.expect("}");
  return inside;
}

function command(grammar: Grammar, name: string): Tree {
  const { reader } = grammar;
  if (functionNames.has(name) && name !== "sqrt") return functionCall(grammar, aliases[name] ?? name);
  if (name in namedSets) return { kind: "named", name: namedSets[name]! };
  if (greek.has(name)) return symbol(reader.isOp("_") ? `${name}_${subscript(grammar)}` : name);
  switch (name) {
    case "pi":
      return { kind: "constant", name: "pi" };
    case "infty":
      return { kind: "constant", name: "infinity" };
    case "frac": {
      const above = argument(grammar);
      return quotient(above, argument(grammar));
    }
    case "binom": {
      const above = argument(grammar);
      return call("binom", above, argument(grammar));
    }
    case "sqrt":
      return squareRoot(grammar);
    case "lfloor":
    case "lceil": {
      const inside = grammar.outsideBars(() => grammar.sum());
      if (!reader.isCommand(`r${name.slice(1)}`)) throw new ParseError(`\\${name} is not closed`);
      reader.next();
      return call(name.slice(1), inside);
    }
    case "overline":
    case "bar":
      return call("overline", argument(grammar));
    case "begin":
      return matrix(grammar);
    default:
      throw new ParseError(`unknown command \\${name}`);
  }
}

function squareRoot(grammar: Grammar): Tree {
  const { reader } = grammar;
  let degree = 2;
  if (reader.accept("[")) {
    const token = reader.next();
    degree = Number(token.text);
    reader.expect("]");
    if (!Number.isInteger(degree) || degree < 2 || degree > 100) throw new ParseError("a root of this degree");
  }
  return { kind: "root", of: argument(grammar), degree };
}

/** `\sin x`, `\sin^2 x`, `\log_2(8)`, `max(1, 2)`; without brackets the argument is the product that follows. */
function functionCall(grammar: Grammar, name: string): Tree {
  const { reader } = grammar;
  let exponent: Tree | undefined;
  let base: Tree | undefined;
  for (;;) {
    if (reader.accept("^")) {
      // `^circ` cannot stand here; a sign can: \sin^{-1}.
      exponent = argument(grammar);
    } else if (reader.accept("_")) base = argument(grammar);
    else break;
  }
  let items: Tree[];
  if (reader.isOp("(", "[", "\\{")) {
    const closing = closings[reader.next().text]!;
    items = grammar.outsideBars(() => grammar.list()).items;
    reader.expect(...closing);
  } else if (reader.isOp("{")) items = [argument(grammar)];
  else {
    const factors = [grammar.factor()];
    while (
      reader.peek()?.type === "name" ||
      (reader.isCommand("pi", "frac", "sqrt") && factors.length < 2) ||
      greek.has(reader.peek()?.text ?? "")
    )
      factors.push(grammar.factor());
    items = [product(...factors)];
  }
  if (base && name === "log") items.push(base);
  else if (base) throw new ParseError(`${name} has no base`);
  if (name === "exp") return power({ kind: "constant", name: "e" }, items[0]!);
  if (name === "cbrt") return { kind: "root", of: items[0]!, degree: 3 };
  if (name === "lg") return call("log", items[0]!);
  if (!exponent) return call(name, ...items);
  const inverse = exponent.kind === "number" && exponent.value.n === -1n && exponent.value.d === 1n;
  if (inverse && ["sin", "cos", "tan"].includes(name)) return call(`arc${name}`, ...items);
  return power(call(name, ...items), exponent);
}

function matrix(grammar: Grammar): Tree {
  const { reader } = grammar;
  const environment = (): string => {
    reader.expect("{");
    let found = "";
    while (!reader.accept("}")) found += reader.next().text;
    return found;
  };
  const kind = environment();
  if (!matrices.has(kind)) throw new ParseError(`unknown environment ${kind}`);
  if (kind === "array" && reader.isOp("{")) environment();
  const rows: Tree[][] = [[]];
  for (;;) {
    if (reader.isCommand("end")) {
      reader.next();
      if (environment() !== kind) throw new ParseError(`${kind} is not closed`);
      break;
    }
    if (reader.accept("\\\\")) rows.push([]);
    else if (!reader.accept("&")) rows.at(-1)!.push(grammar.outsideBars(() => grammar.sum()));
  }
  if (rows.at(-1)!.length === 0) rows.pop();
  if (!rows.length || rows.some((row) => row.length !== rows[0]!.length)) throw new ParseError("a ragged matrix");
  return { kind: "matrix", rows };
}

import { bitLength } from "./rational.ts";
import { someTree, symbolsOf, type Tree } from "./tree.ts";

/** Two expressions that sampling could not tell apart and no exact form made equal. */
export type Obligation = readonly [Tree, Tree];

const functions: Record<string, string> = {
  ...{ sin: "sin", cos: "cos", tan: "tan", cot: "cot", sec: "sec", csc: "csc", arcsin: "asin", arccos: "acos" },
  ...{
    arctan: "atan",
    arccot: "acot",
    sinh: "sinh",
    cosh: "cosh",
    tanh: "tanh",
    ln: "log",
    abs: "Abs",
    floor: "floor",
  },
  ...{ ceil: "ceiling", Re: "re", Im: "im", overline: "conjugate", factorial: "factorial", binom: "binomial" },
  ...{ max: "Max", min: "Min", gcd: "gcd", lcm: "lcm" },
};
const constants = { pi: "pi", e: "E", i: "I", infinity: "oo" };

/** The expression cannot be put to sympy: a part has no counterpart there, or its value would be too large. */
class NoCodeError extends Error {}

/**
 * The Python program that decides obligations with sympy: it prints a JSON list with `"equal"`, `"different"` or
 * `"unknown"` for each. It is made from the tree alone; no part of an answer's text is in it.
 *
 * @returns undefined where an expression cannot be written for sympy.
 */
export function sympyProgram(obligations: readonly Obligation[]): string | undefined {
  const real = obligations.some((pair) =>
    pair.some((tree) => someTree(tree, (at) => at.kind === "call" && at.name === "abs")),
  );
  const names = [...new Set(obligations.flatMap(([a, b]) => [...symbolsOf(a), ...symbolsOf(b)]))];
  const symbols = new Map(names.map((name, index) => [name, `v${index}`]));
  try {
    const pairs = obligations.map(([a, b]) => `  lambda: (${code(a, symbols)}, ${code(b, symbols)}),`);
    return [
      "import json",
      "from sympy import *",
      ...[...symbols.values()].map((name) => `${name} = Symbol(${JSON.stringify(name)}${real ? ", real=True" : ""})`),
      "def judge(pair):",
      "  a, b = pair()",
      "  d = a - b",
      "  if d == 0 or simplify(d) == 0: return 'equal'",
      "  same = d.equals(0)",
      "  if same is not None: return 'equal' if same else 'different'",
      "  return 'unknown'",
      "pairs = [",
      ...pairs,
      "]",
      "print(json.dumps([judge(pair) for pair in pairs]))",
    ].join("\n");
  } catch (error) {
    if (error instanceof NoCodeError) return undefined;
    throw error;
  }
}

function code(tree: Tree, symbols: ReadonlyMap<string, string>): string {
  const each = (items: readonly Tree[]): string[] => items.map((item) => code(item, symbols));
  switch (tree.kind) {
    case "number":
      if (bitLength(tree.value.n) > 4000 || bitLength(tree.value.d) > 4000) throw new NoCodeError("number");
      return `Rational(${tree.value.n}, ${tree.value.d})`;
    case "symbol":
      return symbols.get(tree.name)!;
    case "constant":
      return constants[tree.name];
    case "add":
      return `(${each(tree.items).join(" + ")})`;
    case "multiply":
      return `(${each(tree.items).join(" * ")})`;
    case "power":
      // A tower of powers, or a large power of a number, would be written out.
      if (tree.exponent.kind === "number" && Math.abs(Number(tree.exponent.value.n)) > 500)
        throw new NoCodeError("power");
      if (
        someTree(tree.exponent, ({ kind }) => kind === "power") &&
        !symbolsOf(tree.exponent).length &&
        !isQuotient(tree.exponent)
      )
        throw new NoCodeError("tower of powers");
      return `Pow(${code(tree.base, symbols)}, ${code(tree.exponent, symbols)})`;
    case "root": {
      const inside = code(tree.of, symbols);
      const real = tree.degree % 2 && !symbolsOf(tree.of).length;
      return real ? `real_root(${inside}, ${tree.degree})` : `Pow(${inside}, Rational(1, ${tree.degree}))`;
    }
    case "call": {
      const items = each(tree.items);
      if (tree.name === "log") return `(log(${items[0]}) / log(${items[1] ?? "Integer(10)"}))`;
      if (!Object.hasOwn(functions, tree.name)) throw new NoCodeError(tree.name);
      const largest = tree.items.some((item) => item.kind === "number" && bitLength(item.value.n) > 12);
      if ((tree.name === "factorial" || tree.name === "binom") && largest) throw new NoCodeError(tree.name);
      return `${functions[tree.name]}(${items.join(", ")})`;
    }
    default:
      throw new NoCodeError(tree.kind);
  }
}

/** Whether the only powers inside are reciprocals of small numbers: an exponent like 3/7. */
function isQuotient(tree: Tree): boolean {
  return !someTree(
    tree,
    (at) =>
      at.kind === "power" &&
      !(
        at.base.kind === "number" &&
        bitLength(at.base.value.n) < 16 &&
        at.exponent.kind === "number" &&
        at.exponent.value.n === -1n
      ),
  );
}

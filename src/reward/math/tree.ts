import type { Rational } from "./rational.ts";

/** A mathematical answer, parsed. Subtraction and division are sums and products with negative factors and powers. */
export type Tree =
  | { kind: "number"; value: Rational }
  | { kind: "symbol"; name: string }
  | { kind: "constant"; name: "pi" | "e" | "i" | "infinity" }
  | { kind: "add" | "multiply"; items: Tree[] }
  | { kind: "power"; base: Tree; exponent: Tree }
  /** `\sqrt[degree]{of}`: of a negative number with an odd degree the real root, as schools write it. */
  | { kind: "root"; of: Tree; degree: number }
  | { kind: "call"; name: string; items: Tree[] }
  /** ± (1) or ∓ (-1) before a term. */
  | { kind: "plusMinus"; sign: 1 | -1; of: Tree }
  /** A bare list (no brackets), a tuple, an interval (their brackets tell), a set (`{`) or a vector (`<`). */
  | { kind: "sequence"; open: "" | "(" | "[" | "{" | "<"; close: "" | ")" | "]" | "}" | ">"; items: Tree[]; or?: true }
  | { kind: "union" | "intersection" | "difference"; items: Tree[] }
  | { kind: "named"; name: "empty" | "R" | "Z" | "Q" | "N" | "C" }
  | { kind: "matrix"; rows: Tree[][] }
  | { kind: "relation"; operators: RelationSign[]; items: Tree[] }
  | { kind: "modulo"; value: Tree; modulus: Tree }
  /** `%`, `deg`, `$`, or a unit in words. */
  | { kind: "quantity"; value: Tree; unit: string }
  | { kind: "ratio"; items: Tree[] }
  | { kind: "text"; text: string };

export type RelationSign = "=" | "!=" | "<" | "<=" | ">" | ">=" | "in";

export const num = (n: bigint | number, d: bigint | number = 1): Tree => ({
  kind: "number",
  value: { n: BigInt(n), d: BigInt(d) },
});
export const symbol = (name: string): Tree => ({ kind: "symbol", name });
export const call = (name: string, ...items: Tree[]): Tree => ({ kind: "call", name, items });
export const power = (base: Tree, exponent: Tree): Tree => ({ kind: "power", base, exponent });

export function product(...items: Tree[]): Tree {
  const flat = items.flatMap((item) => (item.kind === "multiply" ? item.items : [item]));
  return flat.length === 1 ? flat[0]! : { kind: "multiply", items: flat };
}

export function sum(...items: Tree[]): Tree {
  const flat = items.flatMap((item) => (item.kind === "add" ? item.items : [item]));
  return flat.length === 1 ? flat[0]! : { kind: "add", items: flat };
}

export function negative(of: Tree): Tree {
  if (of.kind === "number") return { kind: "number", value: { n: -of.value.n, d: of.value.d } };
  return product(num(-1), of);
}

export const quotient = (a: Tree, b: Tree): Tree => product(a, power(b, num(-1)));

export const difference = (a: Tree, b: Tree): Tree => sum(a, negative(b));

/** The parts of a tree, in order. */
export function parts(tree: Tree): readonly Tree[] {
  switch (tree.kind) {
    case "number":
    case "symbol":
    case "constant":
    case "named":
    case "text":
      return [];
    case "power":
      return [tree.base, tree.exponent];
    case "root":
    case "plusMinus":
      return [tree.of];
    case "quantity":
      return [tree.value];
    case "modulo":
      return [tree.value, tree.modulus];
    case "matrix":
      return tree.rows.flat();
    default:
      return tree.items;
  }
}

/** The same tree with every part replaced. */
export function mapParts(tree: Tree, change: (part: Tree) => Tree): Tree {
  switch (tree.kind) {
    case "number":
    case "symbol":
    case "constant":
    case "named":
    case "text":
      return tree;
    case "power":
      return { ...tree, base: change(tree.base), exponent: change(tree.exponent) };
    case "root":
    case "plusMinus":
      return { ...tree, of: change(tree.of) };
    case "quantity":
      return { ...tree, value: change(tree.value) };
    case "modulo":
      return { ...tree, value: change(tree.value), modulus: change(tree.modulus) };
    case "matrix":
      return { ...tree, rows: tree.rows.map((row) => row.map(change)) };
    default:
      return { ...tree, items: tree.items.map(change) };
  }
}

export const someTree = (tree: Tree, test: (tree: Tree) => boolean): boolean =>
  test(tree) || parts(tree).some((part) => someTree(part, test));

/** The symbols of a tree, sorted. */
export function symbolsOf(tree: Tree): string[] {
  const found = new Set<string>();
  const visit = (at: Tree): void => {
    if (at.kind === "symbol") found.add(at.name);
    parts(at).forEach(visit);
  };
  visit(tree);
  return [...found].sort();
}

/** A text that is the same for the same tree and only then; also what verdicts show as the normalised answer. */
export function show(tree: Tree): string {
  switch (tree.kind) {
    case "number":
      return tree.value.d === 1n ? String(tree.value.n) : `${tree.value.n}/${tree.value.d}`;
    case "symbol":
    case "constant":
    case "named":
      return tree.name;
    case "text":
      return JSON.stringify(tree.text);
    case "add":
      return `(${tree.items.map(show).join(" + ")})`;
    case "multiply":
      return `(${tree.items.map(show).join("*")})`;
    case "power":
      return `${show(tree.base)}^${show(tree.exponent)}`;
    case "root":
      return `root${tree.degree}(${show(tree.of)})`;
    case "call":
      return `${tree.name}(${tree.items.map(show).join(", ")})`;
    case "plusMinus":
      return `${tree.sign === 1 ? "±" : "∓"}${show(tree.of)}`;
    case "sequence":
      return `${tree.open}${tree.items.map(show).join(tree.or ? " or " : ", ")}${tree.close}`;
    case "matrix":
      return `matrix(${tree.rows.map((row) => row.map(show).join(", ")).join("; ")})`;
    case "relation":
      return tree.items.map((item, i) => (i ? ` ${tree.operators[i - 1]} ` : "") + show(item)).join("");
    case "modulo":
      return `${show(tree.value)} mod ${show(tree.modulus)}`;
    case "quantity":
      return `${show(tree.value)} [${tree.unit}]`;
    case "ratio":
      return tree.items.map(show).join(" : ");
    default:
      return `${tree.kind}(${tree.items.map(show).join(", ")})`;
  }
}

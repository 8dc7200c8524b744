// Shapes of answers before they are compared: units drawn out, several values spelt out, names of variables taken off.
import { mapParts, num, product, quotient, someTree, sum, symbolsOf, type Tree } from "./tree.ts";

const maxValues = 16;

/** Draws a unit out of a product or a sum, so that it stands for the whole: `-45°`, `2 + √3 cm`. */
export function hoistUnit(tree: Tree): Tree {
  if (tree.kind === "plusMinus" && tree.of.kind === "quantity")
    return { ...tree.of, value: { ...tree, of: tree.of.value } };
  if (tree.kind !== "multiply" && tree.kind !== "add") return tree;
  const items = tree.items.map(hoistUnit);
  const quantities = items.filter((item) => item.kind === "quantity");
  const [only] = quantities;
  if (quantities.length !== 1 || !only) return tree;
  const last = items.at(-1) === only;
  if (tree.kind === "add" && (!last || only.unit === "%" || only.unit === "deg" || only.unit === "$")) return tree;
  const rest = items.map((item) => (item === only ? only.value : item));
  return { ...only, value: tree.kind === "add" ? sum(...rest) : product(...rest) };
}

/** Angles inside an expression in radians: the sine of 30° is the sine of π/6. */
export function anglesInRadians(tree: Tree): Tree {
  const inside = mapParts(tree, anglesInRadians);
  return inside.kind === "quantity" && inside.unit === "deg" ? radians(inside.value) : inside;
}

export const radians = (degrees: Tree): Tree => product(degrees, quotient({ kind: "constant", name: "pi" }, num(180)));

export const hasPlusMinus = (tree: Tree): boolean => someTree(tree, ({ kind }) => kind === "plusMinus");

/**
 * The values that ± stands for. With a ∓ the signs go together; without, each ± is on its own.
 *
 * @returns undefined where there would be more than 16.
 */
export function expandPlusMinus(tree: Tree): Tree[] | undefined {
  if (!hasPlusMinus(tree)) return [tree];
  const together = someTree(tree, (at) => at.kind === "plusMinus" && at.sign === -1);
  let count = 0;
  someTree(tree, (at) => {
    if (at.kind === "plusMinus") count++;
    return false;
  });
  const switches = together ? 1 : count;
  if (2 ** switches > maxValues) return undefined;
  return Array.from({ length: 2 ** switches }, (_, bits) => {
    let seen = 0;
    const choose = (at: Tree): Tree => {
      if (at.kind !== "plusMinus") return mapParts(at, choose);
      const up = (bits >> (together ? 0 : seen++)) & 1 ? -at.sign : at.sign;
      const of = choose(at.of);
      return up === 1 ? of : product(num(-1), of);
    };
    return choose(tree);
  });
}

/** An answer with the name that stands before it: `x = 5`, `f(x) = 5`, `\text{Area} = 5`, `x \in S`. */
export function named(tree: Tree): { name: string; free: boolean; value: Tree } | undefined {
  if (tree.kind !== "relation" || tree.operators.some((sign) => sign !== "=" && sign !== "in")) return undefined;
  // `x = 2 + 3 = 5` names 5; `a = b = c` is more than a name.
  if (
    tree.operators.length > 1 &&
    (tree.operators.includes("in") || tree.items.slice(1).some((item) => symbolsOf(item).length))
  )
    return undefined;
  const [left] = tree.items;
  const value = tree.items.at(-1)!;
  if (left!.kind === "symbol")
    return symbolsOf(value).includes(left!.name) ? undefined : { name: left!.name, free: false, value };
  if (left!.kind === "text") return { name: left!.text, free: true, value };
  if (left!.kind === "call" && left!.name.startsWith("apply:")) return { name: left!.name, free: true, value };
  return undefined;
}

/** The elements of a list, a set or several values, with the one variable that all are said to be values of. */
export interface Collection {
  kind: "list" | "set" | "single";
  name: string | undefined;
  items: Tree[];
}

/** Reads a tree as a collection; a single value is a collection of one. Undefined where ± stands for too many. */
export function collectionOf(tree: Tree): Collection | undefined {
  if (tree.kind === "named" && tree.name === "empty") return { kind: "set", name: undefined, items: [] };
  if (tree.kind === "relation") {
    const inner = named(tree);
    if (inner && (hasPlusMinus(inner.value) || isCollection(inner.value))) {
      const values = collectionOf(inner.value);
      return values && { ...values, name: inner.free ? undefined : inner.name };
    }
  }
  const isSequence = tree.kind === "sequence" && (tree.open === "" || tree.open === "{");
  const raw = isSequence ? tree.items : [tree];
  const names = raw.map((item) => named(item));
  const [first] = names;
  // `x = 2, x = 3` and `x = 2, 3`: values of x. `x = 2, y = 3` stays a list of equations.
  const shared =
    isSequence &&
    first &&
    !first.free &&
    raw.every((item, k) => (names[k] ? names[k].name === first.name : item.kind !== "relation"));
  const items: Tree[] = [];
  for (const [k, item] of raw.entries()) {
    const expanded = expandPlusMinus(shared ? (names[k]?.value ?? item) : item);
    if (!expanded) return undefined;
    items.push(
      ...expanded.flatMap((value) =>
        isSequence && tree.open === "" && value.kind === "sequence" && value.open === "{" ? value.items : [value],
      ),
    );
  }
  const kind = isSequence ? (tree.open === "{" ? "set" : "list") : items.length > 1 ? "list" : "single";
  return { kind, name: shared ? first.name : undefined, items };
}

export const isCollection = (tree: Tree): boolean =>
  (tree.kind === "sequence" && (tree.open === "" || tree.open === "{")) ||
  (tree.kind === "named" && tree.name === "empty") ||
  hasPlusMinus(tree);

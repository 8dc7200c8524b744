// Which kind of thing two answers are, and what makes two things of a kind equal.
import type { Comparison } from "./comparison.ts";
import { equalRegions, isRegion, toRegion, variableOf } from "./regions.ts";
import { num, product, quotient, show, type Tree } from "./tree.ts";
import { normaliseUnit } from "./units.ts";
import { type Collection, collectionOf, hoistUnit, isCollection, named, radians } from "./values.ts";
import { plainWords } from "./words.ts";

type Quantity = Extract<Tree, { kind: "quantity" }>;
type Sequence = Extract<Tree, { kind: "sequence" }>;
type Relation = Extract<Tree, { kind: "relation" }>;

/** Collections larger than this are compared in their order. */
const largestUnordered = 40;

/** Whether two parsed answers are equal, as far as can be told without sympy. */
export function equalTrees(left: Tree, right: Tree, by: Comparison): boolean {
  const [a, b] = [hoistUnit(left), hoistUnit(right)];
  if (show(a) === show(b)) return by.accept("identical");
  if (a.kind === "modulo" || b.kind === "modulo") return equalModulo(a, b, by);
  if (isRegion(a) || isRegion(b)) return equalSets(a, b, by);
  if (isCollection(a) || isCollection(b) || isNamedCollection(a) || isNamedCollection(b))
    return equalCollections(a, b, by);
  const unnamed = withoutName(a, b, by);
  if (unnamed) return equalTrees(unnamed[0], unnamed[1], by);
  if (a.kind === "relation" && b.kind === "relation") return equalRelations(a, b, by);
  if (a.kind === "quantity" || b.kind === "quantity") return equalQuantities(a, b, by);
  if (a.kind === "text" || b.kind === "text") return equalTexts(a, b, by);
  if (a.kind === "matrix" || b.kind === "matrix" || a.kind === "sequence" || b.kind === "sequence")
    return equalTuples(a, b, by);
  if (a.kind === "ratio" || b.kind === "ratio") return equalRatios(a, b, by);
  if (a.kind === "relation" || b.kind === "relation" || a.kind === "named" || b.kind === "named")
    return by.reject("structure");
  return by.expressions(a, b);
}

const isNamedCollection = (tree: Tree): boolean => {
  const inner = tree.kind === "relation" ? named(tree) : undefined;
  return inner !== undefined && isCollection(inner.value);
};

/** Takes `x =` off where only one side has it, and names like `f(x)` off both. */
function withoutName(a: Tree, b: Tree, by: Comparison): [Tree, Tree] | undefined {
  const [x, y] = [named(a), named(b)];
  const note = (name: string): string => `the name "${name.replace("apply:", "")}" before the value was left out`;
  if (x && y) return x.free && y.free ? [x.value, y.value] : undefined;
  if (x && b.kind !== "relation") return by.lenient("names", note(x.name)) ? [x.value, b] : undefined;
  if (y && a.kind !== "relation") return by.lenient("names", note(y.name)) ? [a, y.value] : undefined;
  // An equation of two variables beside a function's: y = 2x and f(x) = 2x.
  if (x?.free && b.kind === "relation" && y) return by.lenient("names", note(x.name)) ? [x.value, y.value] : undefined;
  return undefined;
}

/** `3 mod 7` and `10 mod 7`. */
function equalModulo(a: Tree, b: Tree, by: Comparison): boolean {
  if (a.kind !== "modulo" || b.kind !== "modulo") return by.reject("structure");
  if (!by.expressions(a.modulus, b.modulus)) return false;
  const [x, y] = [named(a.value), named(b.value)];
  if (x && y && x.name !== y.name) return by.reject("structure");
  const [p, q] = [x?.value ?? a.value, y?.value ?? b.value];
  if ((x === undefined) !== (y === undefined) && !by.lenient("names", "the name before the value was left out"))
    return false;
  const { modulus } = a;
  if (p.kind === "number" && q.kind === "number" && modulus.kind === "number" && modulus.value.n !== 0n) {
    const whole = p.value.d === 1n && q.value.d === 1n && modulus.value.d === 1n;
    if (whole && (p.value.n - q.value.n) % modulus.value.n === 0n) return by.accept("exact");
    return by.reject("exact");
  }
  return equalTrees(p, q, by);
}

function equalSets(a: Tree, b: Tree, by: Comparison): boolean {
  const [x, y] = [variableOf(a), variableOf(b)];
  const [p, q] = [toRegion(a), toRegion(b)];
  if (p && q) {
    if (x !== undefined && y !== undefined && x !== y) return by.reject("structure");
    if (
      (x === undefined) !== (y === undefined) &&
      !by.lenient("intervals", "an inequality was read as the set of its solutions")
    )
      return by.reject("structure");
    return equalRegions(p, q, (s, t) => by.expressions(s, t)) ? by.accept("exact") : by.reject("exact");
  }
  // Ends that are no numbers, or inequalities of several variables.
  if (a.kind === "relation" && b.kind === "relation") return equalRelations(a, b, by);
  if (a.kind === "sequence" && b.kind === "sequence")
    return a.open || b.open ? equalTuples(a, b, by) : equalCollections(a, b, by);
  if (a.kind !== b.kind || !("items" in a) || !("items" in b) || a.items.length !== b.items.length)
    return by.reject("structure");
  return a.items.every((item, k) => equalTrees(item, (b.items as Tree[])[k]!, by));
}

function equalCollections(a: Tree, b: Tree, by: Comparison): boolean {
  const [x, y] = [collectionOf(a), collectionOf(b)];
  if (!x || !y) return by.reject("structure");
  if (x.name !== undefined && y.name !== undefined && x.name !== y.name) return by.reject("structure");
  if (x.name !== y.name && !namesMayDiffer(x, y, by)) return by.reject("structure");
  if (x.kind !== y.kind && !by.lenient("lists", "a list, a set and values without braces were taken for one another"))
    return by.reject("structure");
  const [p, q] = [x, y].map((side) => (side.kind === "set" || x.kind !== y.kind ? distinct(side.items) : side.items));
  if (p!.length !== q!.length) return by.reject("structure");
  const inOrder = (): boolean => by.attempt(() => p!.every((item, k) => equalTrees(item, q![k]!, by)));
  if (inOrder()) return true;
  if (p!.length === 1 || p!.length > largestUnordered) return false;
  const ordered = x.kind === "list" && y.kind === "list" && a.kind === "sequence" && b.kind === "sequence";
  if (ordered && !by.options.lists) return by.reject("structure");
  const left = [...q!];
  const found = p!.every((item) => {
    const k = left.findIndex((other) => by.attempt(() => equalTrees(item, other, by)));
    if (k >= 0) left.splice(k, 1);
    return k >= 0;
  });
  if (found && ordered) by.lenient("lists", "the order of a list was ignored");
  return found;
}

/** A name that one side lacks may be left out; an element that still has its own name speaks for itself. */
function namesMayDiffer(x: Collection, y: Collection, by: Comparison): boolean {
  const unnamed = x.name === undefined ? x : y;
  const name = x.name ?? y.name;
  if (unnamed.items.some((item) => item.kind === "relation" && named(item)?.name !== name)) return false;
  unnamed.items = unnamed.items.map((item) => named(item)?.value ?? item);
  return by.lenient("names", `the name "${name}" before the values was left out`);
}

const distinct = (items: readonly Tree[]): Tree[] => [...new Map(items.map((item) => [show(item), item])).values()];

function equalRelations(a: Relation, b: Relation, by: Comparison): boolean {
  const [x, y] = [twoSided(a), twoSided(b)];
  if (!x || !y) {
    if (a.operators.join() !== b.operators.join()) return by.reject("structure");
    return a.items.every((item, k) => equalTrees(item, b.items[k]!, by));
  }
  if (x.sign !== y.sign) return by.reject("structure");
  if ([...x.sides, ...y.sides].some((side) => ["quantity", "sequence", "matrix", "text"].includes(side.kind)))
    return x.sides.every((side, k) => equalTrees(side, y.sides[k]!, by));
  if (x.sign === "=" || x.sign === "!=") return by.equations(x.sides, y.sides);
  const [p, q] = [x, y].map(({ sides: [less, more] }) =>
    product(num(1), { kind: "add", items: [less, product(num(-1), more)] }),
  );
  return by.multiple(p!, q!) === 1 ? by.accept("symbolic") : by.reject("structure");
}

/** A relation with one sign, the lesser side first; undefined for a chain. */
function twoSided({ items, operators }: Relation): { sides: [Tree, Tree]; sign: string } | undefined {
  const [sign] = operators;
  if (operators.length > 1) return undefined;
  const sides: [Tree, Tree] = [items[0]!, items[1]!];
  if (sign === ">") return { sides: [sides[1], sides[0]], sign: "<" };
  if (sign === ">=") return { sides: [sides[1], sides[0]], sign: "<=" };
  return sign === "in" ? undefined : { sides, sign: sign! };
}

const unitOf = (quantity: Quantity): { unit: string; known: boolean } =>
  quantity.unit === "%" || quantity.unit === "deg" || quantity.unit === "$"
    ? { unit: quantity.unit, known: true }
    : normaliseUnit(quantity.unit);

function equalQuantities(a: Tree, b: Tree, by: Comparison): boolean {
  if (a.kind !== "quantity") return equalQuantities(b, a, by);
  const { unit, known } = unitOf(a);
  const both = by.attempt(() => b.kind === "quantity" && unitOf(b).unit === unit && equalTrees(a.value, b.value, by));
  if (both) return true;
  if (b.kind === "quantity") {
    const other = unitOf(b);
    if (other.unit === unit) return false;
    if (unit === "deg" && other.unit === "rad") return equalTrees(radians(a.value), b.value, by);
    if (unit === "rad" && other.unit === "deg") return equalTrees(a.value, radians(b.value), by);
    if (known && other.known) return by.reject("structure");
    return (
      equalTrees(a.value, b.value, by) && by.lenient("units", `the units "${a.unit}" and "${b.unit}" were left out`)
    );
  }
  if (unit === "%") {
    const decimal = (): boolean => equalTrees(quotient(a.value, num(100)), b, by);
    return (
      by.attempt(() => by.lenient("percent", "percent was read as a decimal") && decimal()) ||
      by.attempt(() => by.lenient("percent", "the sign of percent was left out") && equalTrees(a.value, b, by))
    );
  }
  if (unit === "deg") {
    return (
      by.attempt(
        () => equalTrees(radians(a.value), b, by) && by.notes.add("degrees were converted to radians").size > 0,
      ) || by.attempt(() => by.lenient("degrees", "the sign of degrees was left out") && equalTrees(a.value, b, by))
    );
  }
  return by.lenient("units", `the unit "${a.unit}" was left out`) && equalTrees(a.value, b, by);
}

function equalTexts(a: Tree, b: Tree, by: Comparison): boolean {
  const text = (tree: Tree): string | undefined =>
    tree.kind === "text" ? tree.text : tree.kind === "symbol" ? tree.name : undefined;
  const [p, q] = [text(a), text(b)];
  if (p === undefined || q === undefined) return by.reject("structure");
  if (plainWords(p, false) === plainWords(q, false)) return by.accept("text");
  if (plainWords(p, true) === plainWords(q, true) && by.lenient("textCase", "the case of letters was ignored"))
    return by.accept("text");
  return by.reject("text");
}

/** The rows of a tuple, a vector or a matrix, and what its brackets say. */
function rowsOf(tree: Tree): { rows: Tree[][]; kind: string } | undefined {
  if (tree.kind === "matrix") return { rows: tree.rows, kind: tree.rows[0]!.length === 1 ? "column" : "matrix" };
  if (tree.kind === "multiply") {
    const at = tree.items.findIndex(({ kind }) => kind === "matrix" || kind === "sequence");
    const inner = at < 0 ? undefined : rowsOf(tree.items[at]!);
    const factor = tree.items.filter((_, k) => k !== at);
    return inner && { ...inner, rows: inner.rows.map((row) => row.map((item) => product(...factor, item))) };
  }
  if (tree.kind !== "sequence") return undefined;
  return { rows: tree.items.map((item) => [item]), kind: `${tree.open}${tree.close}` };
}

function equalTuples(a: Tree, b: Tree, by: Comparison): boolean {
  const [x, y] = [rowsOf(a), rowsOf(b)];
  if (!x || !y || x.rows.length !== y.rows.length) return by.reject("structure");
  if (x.rows[0]?.length !== y.rows[0]?.length) return by.reject("structure");
  if (x.kind !== y.kind) {
    const vectors = [x, y].every(({ kind }) => ["()", "<>", "column"].includes(kind));
    const long = [a, b].every(
      (tree) => tree.kind === "sequence" && (tree as Sequence).items.length > 2 && tree.open !== "{",
    );
    if (!(vectors || long) || !by.lenient("vectors", "the brackets of a vector were taken for those of a tuple"))
      return by.reject("structure");
  }
  return x.rows.every((row, k) => row.every((item, l) => equalTrees(item, y.rows[k]![l]!, by)));
}

function equalRatios(a: Tree, b: Tree, by: Comparison): boolean {
  if (a.kind !== "ratio") return equalRatios(b, a, by);
  const [first, ...rest] = a.items;
  if (b.kind === "ratio") {
    if (b.items.length !== a.items.length) return by.reject("structure");
    return rest.every((item, k) => by.expressions(product(first!, b.items[k + 1]!), product(item, b.items[0]!)));
  }
  if (rest.length !== 1 || !by.lenient("ratios", "a ratio was read as a quotient")) return by.reject("structure");
  return by.expressions(quotient(first!, rest[0]!), b);
}

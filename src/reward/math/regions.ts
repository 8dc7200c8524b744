// Sets of real numbers as pieces of the line: intervals, unions, inequalities in one variable.
import { realValue } from "./numeric.ts";
import type { RelationSign, Tree } from "./tree.ts";

/** One end of a piece; `tree` is undefined at infinity. */
interface End {
  readonly tree: Tree | undefined;
  readonly value: number;
  readonly closed: boolean;
}

export interface Piece {
  readonly from: End;
  readonly to: End;
}

export type Region = readonly Piece[];

const infinite = (value: number): End => ({ tree: undefined, value, closed: false });
const below = infinite(Number.NEGATIVE_INFINITY);
const above = infinite(Number.POSITIVE_INFINITY);
const all: Region = [{ from: below, to: above }];
const near = (a: number, b: number): boolean =>
  a === b || (Number.isFinite(a - b) && Math.abs(a - b) <= 1e-13 * Math.max(1, Math.abs(a), Math.abs(b)));

function end(tree: Tree, closed: boolean): End | undefined {
  const value = realValue(tree);
  if (value === undefined) return undefined;
  return Number.isFinite(value) ? { tree, value, closed } : infinite(value);
}

/** Pieces in order, those that touch or overlap joined. */
function joined(pieces: Region): Region {
  const sorted = [...pieces].sort(
    (a, b) => a.from.value - b.from.value || Number(b.from.closed) - Number(a.from.closed),
  );
  const result: Piece[] = [];
  for (const piece of sorted) {
    const last = result.at(-1);
    const touches = last && near(last.to.value, piece.from.value) && (last.to.closed || piece.from.closed);
    if (!last || (!touches && piece.from.value >= last.to.value)) result.push(piece);
    else result[result.length - 1] = { from: last.from, to: later(last.to, piece.to) };
  }
  return result;
}

const later = (a: End, b: End): End => (near(a.value, b.value) ? (a.closed ? a : b) : a.value > b.value ? a : b);

function intersection(a: Region, b: Region): Region {
  const result: Piece[] = [];
  for (const p of a)
    for (const q of b) {
      const from = near(p.from.value, q.from.value)
        ? p.from.closed
          ? q.from
          : p.from
        : p.from.value > q.from.value
          ? p.from
          : q.from;
      const to = near(p.to.value, q.to.value) ? (p.to.closed ? q.to : p.to) : p.to.value < q.to.value ? p.to : q.to;
      const point = near(from.value, to.value);
      if (point ? from.closed && to.closed : from.value < to.value) result.push({ from, to });
    }
  return joined(result);
}

function complement(region: Region): Region {
  const opposite = (at: End): End => ({ ...at, closed: !at.closed });
  let result: Region = all;
  for (const { from, to } of region) {
    const outside: Piece[] = [];
    if (from.tree) outside.push({ from: below, to: opposite(from) });
    if (to.tree) outside.push({ from: opposite(to), to: above });
    result = intersection(result, outside);
  }
  return result;
}

const isInequality = (tree: Tree): boolean =>
  tree.kind === "relation" && tree.operators.some((sign) => sign !== "=" && sign !== "in");

/** Whether a tree can only be meant as a set of real numbers, not as a tuple or a value. */
export function isRegion(tree: Tree): boolean {
  if (tree.kind === "union" || tree.kind === "intersection" || tree.kind === "difference") return true;
  if (tree.kind === "relation") return isInequality(tree) || (tree.operators[0] === "in" && isRegion(tree.items[1]!));
  if (tree.kind === "named") return tree.name === "R";
  if (tree.kind !== "sequence") return false;
  if (tree.open === "") return tree.items.every(isInequality);
  if (tree.items.length !== 2 || tree.open === "{" || tree.open === "<") return false;
  const mixed = (tree.open === "(") !== (tree.close === ")");
  return mixed || tree.items.some((item) => !Number.isFinite(realValue(item) ?? 0));
}

/** The variable that inequalities are about, if any. */
export function variableOf(tree: Tree): string | undefined {
  if (tree.kind === "relation") return tree.items.find((item) => item.kind === "symbol")?.name;
  return tree.kind === "sequence" && tree.open === "" ? tree.items.map(variableOf).find(Boolean) : undefined;
}

/** The set of real numbers that a tree is, or undefined where an end is no number. */
export function toRegion(tree: Tree): Region | undefined {
  switch (tree.kind) {
    case "named":
      return tree.name === "empty" ? [] : tree.name === "R" ? all : undefined;
    case "sequence":
      return ofSequence(tree);
    case "union":
    case "intersection":
    case "difference": {
      const regions = tree.items.map(toRegion);
      if (!regions.every((region) => region !== undefined)) return undefined;
      const [first, ...rest] = regions;
      if (tree.kind === "union") return joined(regions.flat());
      return rest.reduce<Region>(
        (a, b) => intersection(a, tree.kind === "difference" ? complement(b) : b),
        joined(first!),
      );
    }
    case "relation":
      return ofRelation(tree.items, tree.operators);
    default:
      return undefined;
  }
}

function ofSequence(tree: Extract<Tree, { kind: "sequence" }>): Region | undefined {
  const { items, open, close } = tree;
  if (open === "{") {
    const points = items.map((item) => end(item, true));
    return points.every((at) => at?.tree) ? joined(points.map((at) => ({ from: at!, to: at! }))) : undefined;
  }
  if (open === "") {
    const regions = items.map(toRegion);
    if (!regions.every((region) => region !== undefined)) return undefined;
    if (new Set(items.map(variableOf)).size > 1) return undefined;
    // `x > 2, x < 5` holds where both do; `x < 2, x > 5` can only mean either.
    const both = regions.reduce(intersection);
    return tree.or || both.length === 0 ? joined(regions.flat()) : both;
  }
  if (items.length !== 2) return undefined;
  const [from, to] = [end(items[0]!, open === "["), end(items[1]!, close === "]")];
  return from && to && from.value < to.value ? [{ from, to }] : undefined;
}

function ofRelation(items: readonly Tree[], operators: readonly RelationSign[]): Region | undefined {
  let region: Region = all;
  const variable = items.find((item) => item.kind === "symbol");
  if (!variable) return undefined;
  for (const [k, sign] of operators.entries()) {
    const [left, right] = [items[k]!, items[k + 1]!];
    if (sign === "in") {
      const inside = left.kind === "symbol" ? toRegion(right) : undefined;
      if (!inside) return undefined;
      region = intersection(region, inside);
      continue;
    }
    const onLeft = left.kind === "symbol";
    if (onLeft === (right.kind === "symbol")) return undefined;
    const bound = onLeft ? right : left;
    const flipped = onLeft ? sign : (({ "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const)[sign as "<"] ?? sign);
    const at = end(bound, flipped.endsWith("=") && flipped !== "!=");
    if (!at) return undefined;
    const half: Region =
      flipped === "!="
        ? complement([{ from: { ...at, closed: true }, to: { ...at, closed: true } }])
        : flipped === "="
          ? [{ from: at, to: at }]
          : flipped.startsWith("<")
            ? [{ from: below, to: at }]
            : [{ from: at, to: above }];
    region = intersection(region, half);
  }
  return region;
}

/** Compares two regions piece by piece; `same` decides about their ends. */
export function equalRegions(a: Region, b: Region, same: (x: Tree, y: Tree) => boolean): boolean {
  const equalEnds = (x: End, y: End): boolean =>
    x.closed === y.closed && (x.tree && y.tree ? same(x.tree, y.tree) : x.value === y.value);
  return a.length === b.length && a.every((p, k) => equalEnds(p.from, b[k]!.from) && equalEnds(p.to, b[k]!.to));
}

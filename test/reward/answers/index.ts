import { expressionPairs } from "./expressions.ts";
import { numberPairs } from "./numbers.ts";
import type { Pair } from "./pair.ts";
import { structurePairs } from "./structures.ts";
import { wordAndUnitPairs } from "./words-and-units.ts";

export type { Pair } from "./pair.ts";

/** Every pair of the table. */
export const pairs: readonly Pair[] = [...numberPairs, ...expressionPairs, ...structurePairs, ...wordAndUnitPairs];

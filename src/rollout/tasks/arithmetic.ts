import { z } from "zod";
import { InvalidInputError } from "../../base/errors.ts";
import { RandomStream, uniformAt } from "../../base/random.ts";
import { parseInput } from "../../base/schema.ts";
import { type ArithmeticFamily, type ArithmeticTask, generateTask, generators } from "./generators.ts";
import { ListTaskset } from "./list.ts";
import type { Taskset } from "./types.ts";

const FAMILIES = Object.keys(generators) as ArithmeticFamily[];

/** Share of each family where all are wanted; `chain` stands for one, two and three steps alike. */
const DEFAULT_WEIGHTS: Record<string, number> = {
  algebra: 0.2,
  numberTheory: 0.17,
  combinatorics: 0.13,
  chain: 0.38,
  facts: 0.12,
};

const familySchema = z.enum([...FAMILIES, "chain"]);
const optionsSchema = z.strictObject({
  families: z.array(familySchema).nonempty().default(["algebra", "numberTheory", "combinatorics", "chain", "facts"]),
  weights: z.partialRecord(familySchema, z.number().nonnegative()).default({}),
  seed: z.int().nonnegative().default(0),
});

export interface ArithmeticOptions {
  /** Default: all. `chain` is `chain1`, `chain2` and `chain3` in equal parts. */
  families?: (ArithmeticFamily | "chain")[];
  /** Relative frequency of each family named; what is left out keeps its default. */
  weights?: Partial<Record<ArithmeticFamily | "chain", number>>;
  /** Decides the tasks of `at`. Default 0. */
  seed?: number;
}

/** Share of questions that training never sees. */
const HELD_OUT_SHARE = 0.1;

/**
 * Whether a question belongs to the held-out part. It depends on the question's text alone, so that no seed, weight or
 * checkpoint ever mixes the two parts. Facts are in both: a fact that was never seen cannot be known.
 */
export function isHeldOut(task: Pick<ArithmeticTask, "family" | "prompt">): boolean {
  return task.family !== "facts" && uniformAt(0, `held-out ${task.prompt}`, 0) < HELD_OUT_SHARE;
}

/**
 * Small arithmetic questions without end, made by rule. What it gives is for training; `split` adds the held-out part.
 *
 * | family | question | code |
 * |---|---|---|
 * | algebra | `37*42+15=?` | one cell |
 * | numberTheory | `gcd 84,36=?` or `7^13%41=?` | one cell, the first with an import |
 * | combinatorics | `12C5=?` | one cell with an import |
 * | chain1..3 | `23>*7>+58>-19=?`, from left to right | 1 to 3 cells, each needing the output before it |
 * | facts | `geo 17=?` | cannot help: `geo` does not exist |
 */
export class ArithmeticTaskset implements Taskset<ArithmeticTask> {
  readonly name = "arithmetic";
  readonly families: readonly ArithmeticFamily[];
  readonly seed: number;
  /** What it was made from. */
  readonly options: ArithmeticOptions;
  /** Upper ends of the families' shares of [0, 1). */
  readonly #ends: readonly number[];

  constructor(options: ArithmeticOptions = {}) {
    const { families, weights, seed } = parseInput(optionsSchema, options, "arithmetic tasks");
    const share = new Map<ArithmeticFamily, number>();
    for (const name of families) {
      const members = FAMILIES.filter((family) => (name === "chain" ? family.startsWith("chain") : family === name));
      const weight = weights[name] ?? DEFAULT_WEIGHTS[name] ?? DEFAULT_WEIGHTS.chain! / 3;
      for (const family of members) share.set(family, weight / members.length);
    }
    const unknown = Object.keys(weights).find((name) => !families.includes(name as ArithmeticFamily));
    if (unknown) throw new InvalidInputError(`Arithmetic tasks: a weight for ${unknown}, which is not in families.`);
    const total = [...share.values()].reduce((sum, weight) => sum + weight, 0);
    if (total === 0) throw new InvalidInputError("Arithmetic tasks: all weights are zero.");
    this.families = FAMILIES.filter((family) => (share.get(family) ?? 0) > 0);
    let end = 0;
    this.#ends = this.families.map((family) => {
      end += share.get(family)! / total;
      return end;
    });
    this.seed = seed;
    this.options = { families, weights, seed };
  }

  at(index: number): ArithmeticTask {
    if (!Number.isInteger(index) || index < 0) {
      throw new InvalidInputError(`Task set arithmetic counts tasks from 0; ${index} was asked.`);
    }
    return this.sample(new RandomStream(this.seed, "tasks", index));
  }

  sample(stream: RandomStream): ArithmeticTask {
    const u = stream.next();
    const family = this.families[this.#ends.findIndex((end) => u < end)] ?? this.families.at(-1)!;
    return draw(family, stream, false);
  }

  /** This task set for training, and `heldOut` different questions that it never gives, the families in equal parts. */
  split({ heldOut }: { heldOut: number }): { train: ArithmeticTaskset; heldOut: ListTaskset<ArithmeticTask> } {
    const found = new Map<string, ArithmeticTask>();
    const stream = new RandomStream(this.seed, "held-out tasks");
    for (let attempts = 0; found.size < heldOut; attempts++) {
      const task = draw(this.families[found.size % this.families.length]!, stream, true);
      found.set(task.id, task);
      if (attempts > 50 * heldOut + 1000) {
        throw new InvalidInputError(
          `Arithmetic tasks: there are fewer than ${heldOut} different held-out questions of ${this.families.join(", ")}.`,
          "Ask for fewer.",
        );
      }
    }
    return { train: this, heldOut: new ListTaskset("arithmetic (held out)", [...found.values()]) };
  }
}

/** Draws from a family until the question is of the part wanted; facts are in both. */
function draw(family: ArithmeticFamily, stream: RandomStream, heldOut: boolean): ArithmeticTask {
  for (;;) {
    const task = generateTask(family, stream);
    if (isHeldOut(task) === heldOut || task.family === "facts") return task;
  }
}

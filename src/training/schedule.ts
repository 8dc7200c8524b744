import { z } from "zod";

/**
 * A hyperparameter over the steps of a run.
 *
 * - a number: constant;
 * - `[[0, 2], [100, 3]]`: each value holds until the next pair's step;
 * - `{ linear: [from, to], steps }`: a straight line, then `to`;
 * - `{ cosine: [from, to], steps }`: half a cosine wave, then `to`.
 */
export type Schedule =
  | number
  | readonly (readonly [fromStep: number, value: number])[]
  | { readonly linear: readonly [from: number, to: number]; readonly steps: number }
  | { readonly cosine: readonly [from: number, to: number]; readonly steps: number };

/** The schema of a hyperparameter that may be scheduled: each of its values must satisfy `value`. */
export function scheduleOf(value: z.ZodNumber) {
  const steps = z.int().positive();
  return z.union([
    value,
    z
      .array(z.tuple([z.int().nonnegative(), value]))
      .min(1)
      .refine((pairs) => pairs[0]![0] === 0, "the first pair must start at step 0")
      .refine(
        (pairs) => pairs.every((pair, i) => i === 0 || pair[0] > pairs[i - 1]![0]),
        "steps must ascend: a schedule cannot go back in time",
      ),
    z.strictObject({ linear: z.tuple([value, value]), steps }),
    z.strictObject({ cosine: z.tuple([value, value]), steps }),
  ]);
}

/**
 * The schedule's value at a step (0-based).
 *
 * @example
 * scheduled([[0, 2], [100, 3], [200, 4]], 150); // 3: CIR's tool budget
 * scheduled({ linear: [7e-4, 7e-5], steps: 60 }, 30); // half-way
 */
export function scheduled(schedule: Schedule, step: number): number {
  if (typeof schedule === "number") return schedule;
  if ("linear" in schedule) {
    const [from, to] = schedule.linear;
    return from + (to - from) * Math.min(1, step / schedule.steps);
  }
  if ("cosine" in schedule) {
    const [from, to] = schedule.cosine;
    return to + ((from - to) * (1 + Math.cos(Math.PI * Math.min(1, step / schedule.steps)))) / 2;
  }
  return schedule.findLast(([from]) => from <= step)![1];
}

import { z } from "zod";

/**
 * A hyperparameter over the steps of a run: a constant, a list of `[fromStep, value]` pairs that hold until the next
 * pair, or a straight line between two values.
 */
export const scheduleSchema = z.union([
  z.number(),
  z
    .array(z.tuple([z.number().int().nonnegative(), z.number()]))
    .min(1)
    .refine((pairs) => pairs[0]![0] === 0, "the first pair must start at step 0")
    .refine((pairs) => pairs.every((pair, i) => i === 0 || pair[0] > pairs[i - 1]![0]), "steps must ascend"),
  z.strictObject({ linear: z.tuple([z.number(), z.number()]), steps: z.number().int().positive() }),
]);

export type Schedule = z.infer<typeof scheduleSchema>;

/**
 * The schedule's value at a step (0-based).
 *
 * @example
 * scheduled([[0, 2], [100, 3], [200, 4]], 150); // 3: CIR's tool budget
 * scheduled({ linear: [7e-4, 7e-5], steps: 60 }, 30); // half-way
 */
export function scheduled(schedule: Schedule, step: number): number {
  if (typeof schedule === "number") return schedule;
  if (Array.isArray(schedule)) return schedule.findLast(([from]) => from <= step)![1];
  const [from, to] = schedule.linear;
  return from + (to - from) * Math.min(1, step / schedule.steps);
}

import { z } from "zod";
import { type Triggered, triggeredOf } from "./controllers/trigger.ts";
import { ownPart } from "./parts/named.ts";
import { OwnSchedule, schedule as ownSchedule, type ScheduleFunction, stepsTried } from "./parts/own-schedule.ts";

/**
 * A hyperparameter over the steps of a run.
 *
 * - a number: constant;
 * - `[[0, 2], [100, 3]]`: each value holds until the next pair's step;
 * - `{ piecewise: [[0, 1e-3], [50, 1e-4]] }`: straight lines from point to point, then the last value;
 * - `{ linear: [from, to], steps }`: a straight line, then `to`;
 * - `{ cosine: [from, to], steps }`: half a cosine wave, then `to`;
 * - `{ values: [2, 3, 4], when: { metric: "accuracy", above: 0.7, for: 3 } }`: the next value each time that the metric's
 *   mean over the last `for` steps passes the limit; see controllers/trigger.ts;
 * - a function of the step, or `schedule("name", (step) => ...)`.
 */
export type Schedule = TimedSchedule | Triggered;

/** A schedule that the number of the step alone decides. */
export type TimedSchedule =
  | number
  | OwnSchedule
  | readonly Pair[]
  | { readonly piecewise: readonly Pair[] }
  | { readonly linear: readonly [from: number, to: number]; readonly steps: number }
  | { readonly cosine: readonly [from: number, to: number]; readonly steps: number };

type Pair = readonly [fromStep: number, value: number];

/** A schedule as it is given: what has a default may be left out. */
export type ScheduleInput = TimedSchedule | ScheduleFunction | z.input<ReturnType<typeof triggeredOf>>;

/**
 * The schema of a hyperparameter that may be scheduled: each of its values must satisfy `value`.
 *
 * @param adaptive the schema of `{ adaptive: ... }`, where a controller may set the hyperparameter.
 */
export function scheduleOf(value: z.ZodNumber): z.ZodType<Schedule, ScheduleInput>;
export function scheduleOf<A extends z.ZodType>(
  value: z.ZodNumber,
  adaptive: A,
): z.ZodType<Schedule | z.output<A>, ScheduleInput | z.input<A>>;
export function scheduleOf(value: z.ZodNumber, adaptive?: z.ZodType): z.ZodType {
  const steps = z.int().positive();
  const pairs = z
    .array(z.tuple([z.int().nonnegative(), value]))
    .min(1)
    .refine((all) => all[0]?.[0] === 0, "the first pair must start at step 0")
    .refine(
      (all) => all.every((pair, i) => i === 0 || pair[0] > all[i - 1]![0]),
      "steps must ascend: a schedule cannot go back in time",
    );
  const forms: Readonly<Record<string, z.ZodType>> = {
    piecewise: z.strictObject({ piecewise: pairs.min(2) }),
    linear: z.strictObject({ linear: z.tuple([value, value]), steps }),
    cosine: z.strictObject({ cosine: z.tuple([value, value]), steps }),
    values: triggeredOf(value),
    ...(adaptive && { adaptive }),
  };
  // Not a union: its errors would tell of every form, not of the one that was meant.
  return described(value).transform((given, context) => {
    if (typeof given === "function" || given instanceof OwnSchedule)
      return withinRange(ownSchedules.parse(given), value, context);
    const isForm = typeof given === "object" && given !== null && !Array.isArray(given);
    const form = Object.keys(forms).find((name) => isForm && name in given);
    if (isForm && !form) {
      context.addIssue({ code: "custom", message: `a schedule has one of ${Object.keys(forms).join(", ")}` });
      return z.NEVER;
    }
    const schema: z.ZodType = form ? forms[form]! : Array.isArray(given) ? pairs : value;
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
}

/** Anything, described as a number with its bounds: that is what forms offer, whatever else a schedule may be. */
function described(value: z.ZodNumber): z.ZodUnknown {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = z.toJSONSchema(value);
  return z.unknown().meta({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, schedule: true });
}

const ownSchedules = ownPart<OwnSchedule, ScheduleFunction>(OwnSchedule, ownSchedule);

/** A schedule of the user's own, if its values are such as the hyperparameter may have. */
function withinRange(own: OwnSchedule, value: z.ZodNumber, context: z.core.$RefinementCtx): OwnSchedule {
  for (let step = 0; step < stepsTried; step++) {
    const issue = value.safeParse(own.at(step)).error?.issues[0];
    if (!issue) continue;
    const message = `the schedule ${JSON.stringify(own.name)} gives ${own.at(step)} at step ${step}: ${issue.message}`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  return own;
}

/**
 * The schedule's value at a step (0-based).
 *
 * @example
 * scheduled([[0, 2], [100, 3], [200, 4]], 150); // 3: CIR's tool budget
 * scheduled({ linear: [7e-4, 7e-5], steps: 60 }, 30); // half-way
 */
export function scheduled(schedule: TimedSchedule, step: number): number {
  if (typeof schedule === "number") return schedule;
  if (schedule instanceof OwnSchedule) return schedule.at(step);
  if ("linear" in schedule) {
    const [from, to] = schedule.linear;
    return from + (to - from) * Math.min(1, step / schedule.steps);
  }
  if ("cosine" in schedule) {
    const [from, to] = schedule.cosine;
    return to + ((from - to) * (1 + Math.cos(Math.PI * Math.min(1, step / schedule.steps)))) / 2;
  }
  if ("piecewise" in schedule) return onLines(schedule.piecewise, step);
  return schedule.findLast(([from]) => from <= step)![1];
}

/** The value on the straight lines through the points; after the last one, its own. */
function onLines(points: readonly Pair[], step: number): number {
  const next = points.findIndex(([at]) => at > step);
  if (next < 0) return points.at(-1)![1];
  const [start, from] = points[next - 1]!;
  const [end, to] = points[next]!;
  return from + ((to - from) * (step - start)) / (end - start);
}

/** The largest value that a schedule may come to; of a function of the user's own, over the steps that are tried. */
export function largestValue(schedule: Schedule): number {
  if (typeof schedule === "number") return schedule;
  if (schedule instanceof OwnSchedule)
    return Array.from({ length: stepsTried }, (_, step) => schedule.at(step)).reduce((a, b) => Math.max(a, b));
  if ("when" in schedule) return Math.max(...schedule.values);
  if ("linear" in schedule) return Math.max(...schedule.linear);
  if ("cosine" in schedule) return Math.max(...schedule.cosine);
  return Math.max(...("piecewise" in schedule ? schedule.piecewise : schedule).map(([, value]) => value));
}

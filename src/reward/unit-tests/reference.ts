import { z } from "zod";
import { DatasetError } from "../../base/errors.ts";

/** A value as JSON has it; `{ "$int": "…" }` stands for an integer beyond ±(2^53 - 1), exactly. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

const exact = (value: JsonValue): boolean =>
  typeof value === "number"
    ? !Number.isInteger(value) || Number.isSafeInteger(value)
    : value === null || typeof value !== "object" || Object.values(value).every(exact);
const jsonValue: z.ZodType<JsonValue> = z
  .custom<JsonValue>((value) => z.json().safeParse(value).success, { message: "this is no JSON value" })
  .refine(exact, { message: 'an integer beyond 2^53 - 1 is not exact in JSON; write it as { "$int": "digits" }' });

const streamTest = z.strictObject({
  /** What the program reads from standard input. */
  stdin: z.string(),
  /** What it must print. Spaces at line ends and blank lines at the end do not count. */
  stdout: z.string(),
});
const callTest = z.strictObject({
  /** Name of a function that the program defines at its top level; `"Solution.method"` for a method. */
  function: z.string().regex(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/, "this is no name of a function"),
  args: z.array(jsonValue).default([]),
  kwargs: z.record(z.string(), jsonValue).default({}),
  /** What it must return: lists and tuples are the same, objects are dicts, and numbers are equal by value. */
  expected: jsonValue,
  /** Largest relative error of a number that still counts. Default 0. */
  tolerance: z.number().min(0).max(1).default(0),
});
const referenceSchema = z.object({ tests: z.array(z.union([streamTest, callTest])).min(1) });

export type StreamTest = z.output<typeof streamTest>;
export type CallTest = z.output<typeof callTest>;
/** One hidden test, by standard input and output or by a call. */
export type UnitTest = z.input<typeof streamTest> | z.input<typeof callTest>;

/**
 * The tests of a task: its `reference`, or else its answer read as JSON (as data sets keep them).
 *
 * @throws DatasetError when there are none or one cannot be read.
 */
export function testsOf(task: { answer: string; reference?: unknown }): (StreamTest | CallTest)[] {
  let reference = task.reference;
  if (reference === undefined)
    try {
      reference = JSON.parse(task.answer);
    } catch (error) {
      throw new DatasetError(
        "The task has no tests.",
        "Give it reference: { tests: [{ stdin, stdout } or { function, args, expected }] }, or the same as JSON in answer.",
        error,
      );
    }
  const parsed = referenceSchema.safeParse(reference);
  if (parsed.success) return parsed.data.tests;
  throw new DatasetError(
    `The tests of the task cannot be used: ${z.prettifyError(parsed.error).replace(/\s+/g, " ")}.`,
    "A test is { stdin, stdout } or { function, args, expected }.",
  );
}

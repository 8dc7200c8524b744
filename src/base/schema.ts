import type { z } from "zod";
import { InvalidInputError } from "./errors.ts";

/**
 * Checks a value against a zod schema at a door of the lab.
 *
 * @param what names the value in the error, for example `"trainer configuration"`.
 * @throws InvalidInputError naming every offending field, what it held and what is allowed.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, what: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const path = issue.path.map(String).join(".");
    const held = issue.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      value,
    );
    const given = held === undefined || typeof held === "object" ? "" : ` (was ${JSON.stringify(held)})`;
    return `${path ? `${path}: ` : ""}${issue.message}${given}`;
  });
  throw new InvalidInputError(`Invalid ${what}: ${problems.join("; ")}.`);
}

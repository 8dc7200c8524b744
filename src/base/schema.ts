import { z } from "zod";
import { InvalidInputError } from "./errors.ts";
import { nearestNames } from "./nearest.ts";

/**
 * Checks a value against a zod schema at a door of the lab.
 *
 * @param what names the value in the error, for example `"trainer configuration"`.
 * @throws InvalidInputError naming every offending field, what it held, what is allowed, and for an unknown name those
 * that are close to it.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, what: string): z.infer<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const text = issue.path.length ? withPath(issue, value) : `${problem(issue, value)}${given(value)}`;
    return `${text}${suggestion(issue, heldAt(issue, value), schema)}`;
  });
  throw new InvalidInputError(`Invalid ${what}: ${problems.join("; ")}.`);
}

type Issue = z.core.$ZodIssue;

const heldAt = (issue: Issue, value: unknown): unknown =>
  issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);

const given = (held: unknown): string =>
  held === undefined || typeof held === "object" ? "" : ` (was ${JSON.stringify(held)})`;

/** An issue in words; of a union, those of the alternative that comes closest. */
function problem(issue: Issue, held: unknown): string {
  if (issue.code !== "invalid_union" || !issue.errors.length) return issue.message;
  const fits = (issues: readonly Issue[]) =>
    issues.every((inner) => inner.code !== "invalid_type" || inner.path.length > 0);
  const closest = issue.errors.filter(fits);
  const chosen = closest.length ? closest : issue.errors;
  return [...new Set(chosen.flatMap((issues) => issues.map((inner) => withPath(inner, held))))].join(", or ");
}

function withPath(issue: Issue, held: unknown): string {
  if (!issue.path.length) return problem(issue, held);
  const inner = heldAt(issue, held);
  return `${issue.path.map(String).join(".")}: ${problem(issue, inner)}${given(inner)}`;
}

function suggestion(issue: Issue, held: unknown, schema: z.ZodType): string {
  const meant = (given: string, known: Iterable<string>) => {
    const names = nearestNames(given, known);
    return names.length ? `, did you mean ${names.map((name) => JSON.stringify(name)).join(" or ")}?` : "";
  };
  if (issue.code === "unrecognized_keys" && !issue.path.length && schema instanceof z.ZodObject)
    return issue.keys.map((key) => meant(key, Object.keys(schema.shape))).join("");
  if (typeof held !== "string") return "";
  const values = issue.code === "invalid_value" ? [issue] : issue.code === "invalid_union" ? issue.errors.flat() : [];
  return meant(
    held,
    values.flatMap((inner) => (inner.code === "invalid_value" ? inner.values.map(String) : [])),
  );
}

import { z } from "zod";
import type { Part } from "../../parts/index.ts";

/**
 * The schema of a part of the user's own: made with its maker, or a plain function, which becomes a part that is called
 * as the function is; the same part of the same function each time.
 *
 * @param part the class of such parts.
 * @param make such as `estimator`.
 */
export function ownPart<P extends Part, F extends (...args: never[]) => unknown>(
  part: abstract new (...args: never[]) => P,
  make: (name: string, code: F) => P,
): z.ZodType<P, P | F> {
  const made = new WeakMap<object, P>();
  const isPart = (value: unknown): value is P => value instanceof part;
  return z
    .custom<P | F>((value) => isPart(value) || typeof value === "function", "or one of your own")
    .transform((value) => {
      if (isPart(value)) return value;
      const known = made.get(value) ?? make(value.name, value);
      made.set(value, known);
      return known;
    });
}

import type { Profile } from "./types.ts";

/** A line that imports one of the packages, in any of the usual ways. */
const importsPackage = /\b(?:import|from|import_module|__import__)\b[^\n]*\b(?:sympy|numpy|mpmath|matplotlib)\b/;

/**
 * What is loaded before a snippet. By its imports: a wrong guess costs time, not results. A session's first cell says
 * little about the later ones, so a session gets all that is offered.
 */
export function profileOf(
  code: string,
  inSession: boolean,
  wanted: Profile | "auto",
  offered: readonly Profile[],
): Profile {
  if (wanted === "bare" || !offered.includes("scientific")) return "bare";
  return wanted === "scientific" || inSession || importsPackage.test(code) ? "scientific" : "bare";
}

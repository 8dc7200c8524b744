import type { Identifier } from "acorn";
import type { Scope, Variable } from "eslint-scope";
import type { Edits } from "./edits.ts";

/** True unless the emitter made the name up. */
export function isWritten(name: string, source: string): boolean {
  for (let at = source.indexOf(name); at >= 0; at = source.indexOf(name, at + 1)) {
    if (!isWordPart(source[at - 1]) && !isWordPart(source[at + name.length])) return true;
  }
  // A name may be written with escapes.
  return source.includes("\\u");
}

const isWordPart = (character: string | undefined): boolean =>
  character !== undefined && /[\p{ID_Continue}$]/u.test(character);

/**
 * Gives local variables back the names that the emitter took from them. It renames `x` to `x2` where an outer `x` is
 * meant elsewhere; since names of the notebook are properties, most of these clashes are gone.
 *
 * @param keeps whether a name that no scope declares stays as it is in the code.
 */
export function restoreNames(
  scope: Scope,
  context: { edits: Edits; source: string; keeps: (name: string) => boolean },
): void {
  const { edits, source, keeps } = context;
  for (const inner of scope.childScopes) {
    for (const variable of inner.variables) {
      const name = variable.name.replace(/\d+$/, "");
      if (name === variable.name || isWritten(variable.name, source) || !isWritten(name, source)) continue;
      if (keeps(name) || inner.set.has(name) || meansAnother(inner, name)) continue;
      for (const { start, end } of places(variable)) edits.replace(start, end, name);
    }
    restoreNames(inner, context);
  }
}

/** Whether code in the scope means a local variable of that name from further out. */
function meansAnother(scope: Scope, name: string): boolean {
  return scope.through.some(
    ({ identifier, resolved }) =>
      (identifier as Identifier).name === name && resolved !== null && resolved.scope.type !== "module",
  );
}

/** Every place where a variable is named. */
function places({ identifiers, references }: Variable): Identifier[] {
  const all = [...identifiers, ...references.map(({ identifier }) => identifier)] as Identifier[];
  return [...new Map(all.map((identifier) => [identifier.start, identifier])).values()];
}

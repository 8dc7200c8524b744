import ts from "typescript";
import type { Completion, CompletionItem } from "../cellCompiler.ts";
import type { CellFile } from "./virtualFiles.ts";

const isWordPart = (character: string | undefined): boolean =>
  character !== undefined && /[\p{ID_Continue}$]/u.test(character);

/**
 * What can stand at a place of the cell, best first.
 *
 * @param names names of the notebook: the cell's frame brings in only those that it mentions.
 */
export function completeAt(
  service: ts.LanguageService,
  { path, code, offset }: CellFile,
  at: number,
  names: readonly CompletionItem[],
): Completion {
  let start = at;
  while (start > 0 && isWordPart(code[start - 1])) start--;
  const found = service.getCompletionsAtPosition(path, offset + at, { importModuleSpecifierEnding: "minimal" });
  if (!found) return { start, end: at, items: [] };
  // Inside of strings TypeScript says what is replaced: for a path the piece after the last slash.
  const span =
    found.entries.find(({ replacementSpan }) => replacementSpan)?.replacementSpan ??
    stringSpan(found, code, at, offset);
  const from = span ? span.start - offset : start;
  const typed = code.slice(from, at).toLowerCase();
  const items = found.entries
    .filter(({ name, kind }) => name.toLowerCase().startsWith(typed) && kind !== ts.ScriptElementKind.warning)
    .map((entry) => ({ entry, isSameCase: entry.name.startsWith(code.slice(from, at)) }))
    .sort(
      (a, b) =>
        Number(b.isSameCase) - Number(a.isSameCase) ||
        compare(a.entry.sortText, b.entry.sortText) ||
        compare(a.entry.name, b.entry.name),
    )
    .map(({ entry: { name, kind } }) => ({ text: name, type: kind as string }));
  if (!found.isGlobalCompletion) return { start: from, end: at, items };
  const own = names.filter(({ text }) => text.toLowerCase().startsWith(typed));
  const taken = new Set(own.map(({ text }) => text));
  return { start: from, end: at, items: [...own, ...items.filter(({ text }) => !taken.has(text))] };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A string literal that is completed is replaced as a whole, up to the cursor. */
function stringSpan(found: ts.CompletionInfo, code: string, at: number, offset: number): ts.TextSpan | undefined {
  const span = found.optionalReplacementSpan;
  if (!span || !found.entries.some(({ kind }) => kind === ts.ScriptElementKind.string)) return undefined;
  const from = span.start - offset;
  return /["'`]/.test(code[from - 1] ?? "") && from <= at ? span : undefined;
}

import type { Notebook } from "../contents/notebooks.ts";
import { languageOf, readCells } from "./cells.ts";

/** How a line of comment begins, where it is not `#`. */
const commentMarks: Record<string, string> = {
  ...Object.fromEntries(
    ["typescript", "javascript", "rust", "c", "c++", "c#", "java", "go", "scala", "kotlin", "swift", "php"].map(
      (language) => [language, "//"],
    ),
  ),
  ...{ sql: "--", haskell: "--", lua: "--", matlab: "%", octave: "%", tex: "%", clojure: ";;", scheme: ";;" },
};

const commented = (source: string, mark: string): string =>
  source.replace(/^.*$/gm, (line) => `${mark} ${line}`.trimEnd());

/**
 * A notebook as a program in percent format: `// %%` begins a cell of code, `// %% [markdown]` one of text, which is
 * commented out. Lines that only a kernel understands (`%check strict`, `!ls`) are commented out too.
 */
export function toScript(notebook: Notebook): { text: string; extension: string; mimetype: string } {
  const language = languageOf(notebook);
  const mark = commentMarks[language.name] ?? "#";
  const cells = readCells(notebook).map(({ type, source }) => {
    const body = source.replace(/\s+$/, "");
    const head = type === "code" ? `${mark} %%` : `${mark} %% [${type}]`;
    if (type !== "code" || body.startsWith("%%")) return `${head}\n${commented(body, mark)}`.trimEnd();
    return `${head}\n${body.replace(/^(?:%\w|!\w).*$/gm, (line) => `${mark} ${line}`)}`.trimEnd();
  });
  return { text: `${cells.join("\n\n")}\n`, extension: language.extension, mimetype: language.mimetype };
}

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TransformFailure } from "esbuild";
import type { PositionMap, Problem } from "./cellCompiler.ts";
import { transform } from "./emitter.ts";
import { decodeMappings } from "./positions.ts";

/** What the emitted JavaScript depends on in a tsconfig.json; types are no matter here. */
const textOptions = ["jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource"] as const;
type EmitOptions = { [name in (typeof textOptions)[number]]?: string } & { experimentalDecorators?: boolean };

/** tsconfig.json may hold comments and trailing commas. */
const stringOrComment = /"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

const read = new Map<string, { modifiedMs: number; options: EmitOptions }>();

/** The emit options of the tsconfig.json in `folder` or above it. */
function emitOptions(folder: string): EmitOptions {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, "tsconfig.json");
    if (existsSync(path)) return readEmitOptions(path);
    if (dirname(at) === at) return {};
  }
}

function readEmitOptions(path: string): EmitOptions {
  const { mtimeMs } = statSync(path);
  const known = read.get(path);
  if (known?.modifiedMs === mtimeMs) return known.options;
  let options: EmitOptions = {};
  try {
    const text = readFileSync(path, "utf8")
      .replace(stringOrComment, (found) => (found.startsWith('"') ? found : ""))
      .replace(/,(\s*[}\]])/g, "$1");
    options = pickOptions((JSON.parse(text) as { compilerOptions?: Record<string, unknown> }).compilerOptions ?? {});
  } catch {
    // The type check tells what is wrong with the file; cells run with the usual options.
  }
  read.set(path, { modifiedMs: mtimeMs, options });
  return options;
}

/** No schema library here: the first cell would wait for it. */
function pickOptions(given: Record<string, unknown>): EmitOptions {
  const options: EmitOptions = {};
  for (const name of textOptions) if (typeof given[name] === "string") options[name] = given[name];
  if (typeof given.experimentalDecorators === "boolean") options.experimentalDecorators = given.experimentalDecorators;
  return options;
}

export type Stripped =
  | { ok: true; javascript: string; positions: PositionMap }
  | { ok: false; problem: Problem; isAtEnd: boolean };

/**
 * TypeScript (or JSX, where the tsconfig.json of `folder` or a pragma configures it) to JavaScript for this Node.js,
 * without looking at types. Imports and exports stay as they are.
 */
export async function strip(
  code: string,
  options: { folder: string; asJsx?: boolean; format?: "cjs"; isJavaScript?: boolean },
): Promise<Stripped> {
  const { jsx, ...emit } = emitOptions(options.folder);
  const hasJsx = options.asJsx ?? (jsx !== undefined || /^\s*\/\*\*?\s*@jsx/m.test(code));
  try {
    const { code: javascript, map } = await transform(code, {
      loader: options.isJavaScript ? (hasJsx ? "jsx" : "js") : hasJsx ? "tsx" : "ts",
      ...(options.format ? { format: options.format } : {}),
      target: `node${process.versions.node}`,
      sourcemap: "external",
      sourcesContent: false,
      treeShaking: false,
      charset: "utf8",
      logLevel: "silent",
      tsconfigRaw: {
        compilerOptions: {
          ...emit,
          ...(jsx ? { jsx: jsx as "react-jsx" } : {}),
          // An import that this cell does not use may be used by the next one.
          verbatimModuleSyntax: options.format === undefined,
          target: "esnext",
          useDefineForClassFields: true,
        },
      },
    });
    return {
      ok: true,
      javascript,
      positions: decodeMappings((JSON.parse(map) as { mappings: string }).mappings),
    };
  } catch (error) {
    return failure(error as Error & Partial<TransformFailure>, code);
  }
}

function failure(error: Error & Partial<TransformFailure>, code: string): Stripped {
  const first = error.errors?.[0];
  if (!first) throw error;
  const line = (first.location?.line ?? 1) - 1;
  const lineText = first.location?.lineText ?? "";
  // Columns come in bytes of UTF-8.
  const column = Buffer.from(lineText)
    .subarray(0, first.location?.column ?? 0)
    .toString().length;
  const end = Buffer.from(lineText)
    .subarray(0, (first.location?.column ?? 0) + (first.location?.length ?? 0))
    .toString().length;
  const lines = code.split("\n");
  const isAtEnd =
    line >= lines.length - 1 && column >= (lines[line] ?? "").trimEnd().length && !neverMended.has(first.text);
  const problem: Problem = {
    start: { line, column },
    end: { line, column: end },
    message: first.text,
  };
  return { ok: false, problem, isAtEnd: isAtEnd || endsInTemplate(first.text, code, line, column) };
}

const unclosedString = "Unterminated string literal";
/** Faults at the end of the text that no further line mends. */
const neverMended = new Set([unclosedString, "Unterminated regular expression"]);

/** A string must end on its line, a template need not; esbuild's words for both are the same. */
function endsInTemplate(text: string, code: string, line: number, column: number): boolean {
  if (text !== unclosedString) return false;
  const offset =
    code
      .split("\n")
      .slice(0, line)
      .reduce((sum, l) => sum + l.length + 1, 0) + column;
  // The place of the error is the end of the text for a template, the end of the line for a string.
  const before = code.slice(0, offset);
  return offset >= code.trimEnd().length && (before.match(/`/g)?.length ?? 0) % 2 === 1;
}

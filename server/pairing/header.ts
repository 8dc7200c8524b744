import { parse, stringify } from "yaml";

/** The format of the scripts as jupytext names it. */
const representation = { extension: ".ts", format_name: "percent", format_version: "1.3" };

const fence = "// ---";

/**
 * A notebook's metadata as the head of a script, the way jupytext writes it: YAML under `jupyter`, as comments between
 * two lines `// ---`.
 */
export function writeHeader(metadata: Record<string, unknown>): string {
  const { jupytext, ...rest } = metadata;
  const jupyter = {
    jupytext: { ...(isObject(jupytext) ? jupytext : {}), text_representation: representation },
    ...rest,
  };
  const lines = yamlOf({ jupyter }).split("\n");
  return [fence, ...lines.map((line) => (line === "" ? "//" : `// ${line}`)), fence].join("\n");
}

/**
 * Takes the head off a script.
 *
 * @returns the notebook's metadata ({} without a head, or with one that is not YAML of a notebook) and the text below.
 */
export function readHeader(text: string): { metadata: Record<string, unknown>; rest: string } {
  const lines = text.split("\n");
  const none = { metadata: {}, rest: text };
  if (lines[0]?.trimEnd() !== fence) return none;
  const end = lines.findIndex((line, i) => i > 0 && line.trimEnd() === fence);
  const head = lines.slice(1, end);
  if (end < 0 || !head.every((line) => line.startsWith("//"))) return none;
  const jupyter = parseYaml(head.map((line) => line.replace(/^\/\/ ?/, "")).join("\n"));
  if (!jupyter) return none;
  const rest = lines.slice(lines[end + 1] === "" ? end + 2 : end + 1).join("\n");
  const { jupytext, ...metadata } = jupyter;
  const { text_representation: _, ...kept } = isObject(jupytext) ? jupytext : {};
  return { metadata: { ...metadata, ...(Object.keys(kept).length ? { jupytext: kept } : {}) }, rest };
}

/** YAML as people write it; where that would be read as something else (odd white space), JSON, which is YAML too. */
function yamlOf(value: object): string {
  const yaml = stringify(value, {
    lineWidth: 0,
    blockQuote: false,
    singleQuote: true,
    aliasDuplicateObjects: false,
  }).trimEnd();
  const json = JSON.stringify(value);
  try {
    if (JSON.stringify(parse(yaml)) === json && !/[\r\u0085\u2028\u2029]/.test(yaml)) return yaml;
  } catch {
    // Then it is not to be written.
  }
  return asciiBreaks(json);
}

/** JSON on one line, also for programs to which U+2028 and its like end one. */
export const asciiBreaks = (json: string): string =>
  json.replace(/[\u0085\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

function parseYaml(text: string): Record<string, unknown> | undefined {
  try {
    const value = (parse(text) as { jupyter?: unknown } | null)?.jupyter;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

import { basename, extname } from "node:path";
import { DatasetError } from "../../base/errors.ts";
import { lastBoxed } from "../../reward/index.ts";
import { ListTaskset } from "./list.ts";
import { type Row, readRows } from "./rows.ts";
import type { Task } from "./types.ts";

/** Columns that hold what a task needs, in order of preference; a dot goes into a nested object. */
const COLUMNS = {
  prompt: ["problem", "question", "prompt", "messages"],
  answer: ["answer", "reward_model.ground_truth", "ground_truth", "solution", "messages"],
  family: ["subject", "type", "ability", "level"],
  id: ["unique_id", "id"],
} as const;

/** Columns by which results are grouped beside the family, where a file has them. */
const LABELS = ["subject", "level"];

export interface LoadOptions {
  /** Columns to use instead of the usual names; a dot goes into a nested object. */
  columns?: { prompt?: string; answer?: string; family?: string; labels?: readonly string[] };
  /** Keep rows that repeat an earlier row's question and answer. Default false: verl's test files hold each task 16 times. */
  keepDuplicates?: boolean;
}

function lookUp(row: Row, path: string): unknown {
  return path.split(".").reduce<unknown>((at, key) => (at as Row | null | undefined)?.[key], row);
}

/** A cell as text; chat messages give the last one of a role. */
function cellText(value: unknown, role: "user" | "assistant" = "user"): string | undefined {
  if (typeof value === "string") return value.trim() || undefined;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (!Array.isArray(value)) return undefined;
  const message = (value as Row[]).findLast((entry) => entry?.role === role);
  return message && cellText(message.content);
}

function firstText(row: Row, paths: readonly string[], role?: "user" | "assistant"): string | undefined {
  for (const path of paths) {
    const text = cellText(lookUp(row, path), role);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Parquet's whole numbers are BigInt; JSON writes what a double does not hold as `{ "$int": "…" }`. */
const plainInteger = (_: string, value: unknown): unknown => {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : { $int: String(value) };
};

/** Hidden tests: `{ tests }` in the column `reference`, or a list in `tests`, also as JSON text; else undefined. */
function hiddenTests(row: Row): { tests: unknown[] } | undefined {
  for (const given of [row.reference, row.tests]) {
    let value = given;
    try {
      value = JSON.parse(typeof given === "string" ? given : JSON.stringify(given, plainInteger));
    } catch {
      continue; // a column of that name with something else in it
    }
    const tests = Array.isArray(value) ? value : (value as { tests?: unknown } | null)?.tests;
    if (Array.isArray(tests)) return { tests };
  }
  return undefined;
}

/** The final answer in a reference: its last box, GSM8K's mark, or all of it. */
function finalAnswer(reference: string): string | undefined {
  const answer = lastBoxed(reference) ?? /####([^#]*)$/.exec(reference)?.[1]?.trim() ?? reference;
  return answer || undefined;
}

function labelsOf(row: Row, paths: readonly string[]): Pick<Task, "labels"> {
  const labels = paths.flatMap((path) => {
    const text = firstText(row, [path]);
    return text === undefined ? [] : [[path.slice(path.lastIndexOf(".") + 1), text] as const];
  });
  return labels.length ? { labels: Object.fromEntries(labels) } : {};
}

/**
 * Reads a task set from a `.jsonl`, `.parquet` or `.csv` file. The question is taken from `problem`, `question`, `prompt`
 * or `messages` (text, or the last user message of a chat), the answer from `answer`, `reward_model.ground_truth`,
 * `ground_truth`, `solution` or the last assistant message (its last `\boxed{…}` where there is one), the family from
 * `subject`, `type`, `ability` or `level`; `subject` and `level` are also kept as labels. A row with hidden tests (`reference` or `tests`) needs no answer. A row that repeats an earlier one is left out.
 *
 * @throws DatasetError naming file and row (from 1) when the file cannot be read or a row lacks question or answer;
 *   nothing is loaded then.
 */
export async function loadTasks(
  path: string,
  { columns = {}, keepDuplicates = false }: LoadOptions = {},
): Promise<ListTaskset> {
  const rows = await readRows(path);
  const name = basename(path, extname(path));
  const candidates = (column: "prompt" | "answer" | "family") =>
    columns[column] ? [columns[column]] : COLUMNS[column];
  const tasks = rows.map(({ row, line }): Task => {
    const reference = hiddenTests(row);
    const need = (column: "prompt" | "answer"): string => {
      const text = firstText(row, candidates(column), column === "answer" ? "assistant" : "user");
      const found = column === "answer" && text !== undefined ? finalAnswer(text) : text;
      if (found !== undefined) return found;
      if (column === "answer" && reference) return "";
      throw new DatasetError(
        `${path}, row ${line}: no ${column} in ${candidates(column).join(", ")} (it has ${Object.keys(row).join(", ")}).`,
        "Nothing was loaded. Complete the row, or name the column with { columns }.",
      );
    };
    return {
      id: `${name}/${firstText(row, COLUMNS.id) ?? line}`,
      prompt: need("prompt"),
      answer: need("answer"),
      ...(reference && { reference }),
      family: firstText(row, candidates("family")) ?? name,
      ...labelsOf(row, columns.labels ?? LABELS),
      metadata: { row: line },
    };
  });
  const seen = new Set<string>();
  const isNew = ({ prompt, answer, reference }: Task) => {
    const key = JSON.stringify([prompt, answer, reference]);
    return seen.has(key) ? false : seen.add(key);
  };
  return new ListTaskset(name, keepDuplicates ? tasks : tasks.filter(isNew));
}

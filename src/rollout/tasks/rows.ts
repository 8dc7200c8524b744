import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { csvParse } from "d3-dsv";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { DatasetError, InvalidInputError } from "../../base/errors.ts";

/** A row of a data set: its columns by name. */
export type Row = Record<string, unknown>;

/** A row, and which one it is in its file, from 1. */
export interface NumberedRow {
  readonly row: Row;
  readonly line: number;
}

/**
 * The rows of a `.jsonl`, `.parquet` or `.csv` file.
 *
 * @throws DatasetError naming the file, and the row that is damaged; InvalidInputError for another kind of file.
 */
export async function readRows(path: string): Promise<NumberedRow[]> {
  const extension = extname(path);
  const read = { ".jsonl": readJsonLines, ".parquet": readParquet, ".csv": readCsv }[extension];
  if (!read)
    throw new InvalidInputError(`${path}: a data set is a .jsonl, .parquet or .csv file, not ${extension || "this"}.`);
  let rows: NumberedRow[];
  try {
    rows = await read(path);
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw new DatasetError(`${path} cannot be read: ${(error as Error).message}.`, undefined, error);
  }
  if (rows.length === 0) throw new DatasetError(`${path} holds no rows.`);
  return rows;
}

async function readJsonLines(path: string): Promise<NumberedRow[]> {
  const rows: NumberedRow[] = [];
  for (const [i, text] of (await readFile(path, "utf8")).split("\n").entries()) {
    if (text.trim() === "") continue;
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch (error) {
      throw new DatasetError(`${path}, row ${i + 1}: not JSON: ${(error as Error).message}.`, undefined, error);
    }
    if (typeof row !== "object" || row === null || Array.isArray(row)) {
      throw new DatasetError(`${path}, row ${i + 1}: not a JSON object.`);
    }
    rows.push({ row: row as Row, line: i + 1 });
  }
  return rows;
}

/** Cells of a CSV file are text; its first line names the columns. */
async function readCsv(path: string): Promise<NumberedRow[]> {
  const { columns, ...rows } = csvParse((await readFile(path, "utf8")).replace(/^\ufeff/, ""));
  if (!columns?.length) throw new DatasetError(`${path} has no line that names its columns.`);
  return Object.values(rows).flatMap((row, i) =>
    typeof row === "object" ? [{ row: { ...(row as unknown as Row) }, line: i + 1 }] : [],
  );
}

async function readParquet(path: string): Promise<NumberedRow[]> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
  return rows.map((row, i) => ({ row, line: i + 1 }));
}

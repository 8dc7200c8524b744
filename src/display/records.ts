import { inspect, types } from "node:util";
import { plainText } from "./plain-text.ts";
import { type Table, table } from "./table.ts";

const maxRows = 100;
const maxColumns = 30;
const maxCell = 200;

type Row = Readonly<Record<string, unknown>>;

/**
 * A table of an array or a set of plain objects, or of a map; undefined for all else. Shows the first 100 rows and 30
 * columns. Getters are not called.
 */
export function recordTable(value: object): Table | undefined {
  if (types.isProxy(value)) return undefined;
  if (Array.isArray(value)) return tableOf(rowsOf(value.slice(0, maxRows)), value.length);
  if (types.isSet(value)) return tableOf(rowsOf(firstOf(value as Set<unknown>)), value.size);
  if (types.isMap(value)) return mapTable(value as Map<unknown, unknown>);
  return undefined;
}

function firstOf<T>(values: Iterable<T>): T[] {
  const first: T[] = [];
  for (const value of values) if (first.push(value) === maxRows) break;
  return first;
}

/** The rows, if each is a plain object. */
function rowsOf(values: readonly unknown[]): Row[] | undefined {
  const rows: Row[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!isPlain(value)) return undefined;
    rows.push(readRow(value));
  }
  return rows;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A row's own properties; what only a getter knows is named, not asked for. */
function readRow(value: object): Row {
  const cells = Object.keys(value).map((key) => {
    const property = Object.getOwnPropertyDescriptor(value, key);
    return [key, property && "value" in property ? property.value : getter] as const;
  });
  return Object.fromEntries(cells);
}

const getter = Symbol("[Getter]");

function mapTable(map: Map<unknown, unknown>): Table | undefined {
  const entries = firstOf(Map.prototype.entries.call(map) as Iterable<[unknown, unknown]>);
  const rows = rowsOf(entries.map(([, value]) => value));
  const isSpread = rows?.some((row) => Object.keys(row).length > 0) && !rows.some((row) => Object.hasOwn(row, "key"));
  const shown = entries.map(([key, value], i): Row => (isSpread ? { key, ...rows![i] } : { key, value }));
  return tableOf(shown, map.size);
}

function tableOf(rows: readonly Row[] | undefined, rowCount: number): Table | undefined {
  const names = new Set(rows?.flatMap((row) => Object.keys(row)));
  if (!rows || names.size === 0) return undefined;
  const formats = Object.fromEntries([...names].map((name) => [name, cellText]));
  return table(rows, { formats, maxRows, maxColumns, rowCount });
}

function cellText(value: unknown): string {
  if (typeof value === "number") return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
  if (value === getter) return "[Getter]";
  const text = typeof value === "string" ? value : objectText(value);
  return text.length <= maxCell ? text : `${text.slice(0, maxCell)}…`;
}

function objectText(value: unknown): string {
  if (types.isDate(value)) return plainText(value);
  if (typeof value !== "object" || value === null) return plainText(value);
  try {
    return inspect(value, {
      depth: 1,
      breakLength: Number.POSITIVE_INFINITY,
      maxArrayLength: 10,
      maxStringLength: maxCell,
    });
  } catch {
    return plainText(value);
  }
}

import { InvalidInputError } from "../base/errors.ts";
import { formatNumber, pad } from "./format.ts";
import { displaySymbol, type MimeBundle } from "./host.ts";
import { html, type SafeHtml } from "./html.ts";

export type Align = "left" | "right";

export interface TableOptions {
  caption?: string;
  /** How the values of a column are written. Default: numbers by {@link formatNumber}, objects as JSON, nothing for undefined. */
  formats?: Readonly<Record<string, (value: never) => string>>;
  /** Default: right for columns of numbers, left for others. */
  align?: Readonly<Record<string, Align>>;
  /** Rows that are shown; the rest is counted. Default 200. */
  maxRows?: number;
  /** Columns that are shown; the rest is counted. Default: all. */
  maxColumns?: number;
  /** Rows in all, where `data` holds only the first of them. Default: those of `data`. */
  rowCount?: number;
}

const defaultRows = 200;
const rowStyle = "border-bottom:1px solid #8884;vertical-align:top";

interface Column {
  readonly name: string;
  readonly align: Align;
  readonly cells: readonly string[];
}

function formatCell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return formatNumber(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Columns may be named as what every object inherits, for example `constructor`. */
const own = <T>(values: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined;

/** One line, so that a cell cannot break the table. */
const oneLine = (text: string): string => text.replace(/\r\n?|\n/g, "⏎");

/** A table that renders itself as text, HTML and Markdown. */
export class Table {
  readonly caption: string | undefined;
  /** Rows in all. */
  readonly rowCount: number;
  readonly #columns: readonly Column[];
  readonly #shown: number;
  readonly #hiddenColumns: number;

  constructor(data: Readonly<Record<string, ArrayLike<unknown>>>, options: TableOptions = {}) {
    const { formats = {}, align = {}, maxRows = defaultRows, maxColumns = Number.POSITIVE_INFINITY } = options;
    this.caption = options.caption;
    const lengths = Object.values(data).map((values) => values.length);
    const length = lengths[0] ?? 0;
    this.rowCount = Math.max(length, options.rowCount ?? 0);
    if (lengths.some((other) => other !== length))
      throw new InvalidInputError(
        `The columns of a table must be equally long, were ${Object.entries(data)
          .map(([name, values]) => `${name}: ${values.length}`)
          .join(", ")}.`,
      );
    this.#shown = Math.min(maxRows, length);
    this.#hiddenColumns = Math.max(0, lengths.length - maxColumns);
    const columns = Object.entries(data).slice(0, maxColumns);
    this.#columns = columns.map(([name, all]) => {
      const values = Array.from({ length: this.#shown }, (_, i): unknown => all[i]);
      const present = values.filter((value) => value !== undefined && value !== null);
      const isNumeric = present.length > 0 && present.every((value) => typeof value === "number");
      const format = (own(formats, name) as ((value: unknown) => string) | undefined) ?? formatCell;
      const cells = values.map((value) => (value === undefined || value === null ? "" : format(value)));
      return { name, cells, align: own(align, name) ?? (isNumeric ? "right" : "left") };
    });
  }

  /** Aligned text. */
  toString(): string {
    const widths = this.#columns.map(({ name, cells }) =>
      Math.max(...[name, ...cells].map((cell) => [...oneLine(cell)].length)),
    );
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, i) => pad(oneLine(cell), widths[i]!, this.#columns[i]!.align))
        .join("  ")
        .trimEnd();
    return [
      ...(this.caption ? [this.caption] : []),
      line(this.#columns.map(({ name }) => name)),
      widths.map((width) => "─".repeat(width)).join("  "),
      ...this.#rows(({ cells }, i) => cells[i]!).map(line),
      ...this.#more(),
    ].join("\n");
  }

  /** GitHub's table syntax. */
  toMarkdown(): string {
    const escaped = (text: string) => oneLine(text).replace(/[\\|<>`*_[\]&]/g, "\\$&");
    const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
    return [
      ...(this.caption ? [`**${escaped(this.caption)}**`, ""] : []),
      line(this.#columns.map(({ name }) => escaped(name))),
      line(this.#columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
      ...this.#rows(({ cells }, i) => escaped(cells[i]!)).map(line),
      ...this.#more().flatMap((text) => ["", text]),
    ].join("\n");
  }

  toHtml(): SafeHtml {
    // What cells inherit stands on the table: a cell's own style is repeated for each.
    const style = (align: Align) => `text-align:${align};padding:.2em .7em`;
    return html`<table style="border-collapse:collapse;color:inherit;font-size:.9em;font-variant-numeric:tabular-nums;white-space:pre-wrap">${
      this.caption &&
      html`<caption style="caption-side:top;text-align:left;padding:.2em .7em;font-weight:600;color:inherit">${this.caption}</caption>`
    }<thead><tr style="${rowStyle}">${this.#columns.map(
      ({ name, align }) => html`<th style="${style(align)}">${name}</th>`,
    )}</tr></thead><tbody>${this.#rows(({ cells, align }, i) => html`<td style="${style(align)}">${cells[i]}</td>`).map(
      (cells) => html`<tr style="${rowStyle}">${cells}</tr>`,
    )}</tbody></table>${this.#more().map((text) => html`<div>${text}</div>`)}`;
  }

  [displaySymbol](): MimeBundle {
    return {
      "text/plain": this.toString(),
      "text/html": this.toHtml().markup,
      "text/markdown": this.toMarkdown(),
    };
  }

  #rows<T>(cell: (column: Column, row: number) => T): T[][] {
    return Array.from({ length: this.#shown }, (_, i) => this.#columns.map((column) => cell(column, i)));
  }

  #more(): string[] {
    const rows = this.rowCount - this.#shown;
    const columns = this.#hiddenColumns;
    const hidden = [
      ...(rows ? [`${formatNumber(rows)} more row${rows === 1 ? "" : "s"}`] : []),
      ...(columns ? [`${formatNumber(columns)} more column${columns === 1 ? "" : "s"}`] : []),
    ];
    return hidden.length ? [`… ${hidden.join(", ")}`] : [];
  }
}

/**
 * A table of rows (objects; the columns are their keys in order of first appearance) or of columns (name to values).
 *
 * @throws InvalidInputError for columns of different lengths.
 * @example
 * table([{ family: "chain", accuracy: 0.81 }], { caption: "Held-out tasks", formats: { accuracy: formatPercent } });
 */
export function table(
  data: readonly object[] | Readonly<Record<string, ArrayLike<unknown>>>,
  options: TableOptions = {},
): Table {
  if (!isRows(data)) return new Table(data, options);
  const rows = data.slice(0, options.maxRows ?? defaultRows);
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  const columns = [...names].map(
    (name) => [name, rows.map((row) => own(row as Record<string, unknown>, name))] as const,
  );
  return new Table(Object.fromEntries(columns), { rowCount: data.length, ...options });
}

const isRows = (data: readonly object[] | object): data is readonly object[] => Array.isArray(data);

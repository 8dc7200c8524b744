import { HttpError } from "../errors.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** A notebook as pages see it: every multi-line text is one string. */
export interface Notebook {
  nbformat: number;
  nbformat_minor: number;
  metadata: JsonObject;
  cells: JsonObject[];
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Media types kept as lists of lines on disk, so that differences between versions are readable. */
const isLineSplit = (type: string): boolean =>
  type.startsWith("text/") || type === "application/javascript" || type === "image/svg+xml";

const isJsonType = (type: string): boolean =>
  type === "application/json" || (type.startsWith("application/") && type.endsWith("+json"));

/**
 * Reads a notebook file (nbformat 4).
 *
 * @throws HttpError 400 `Unreadable Notebook: ...` when it is not JSON or not a notebook.
 */
export function parseNotebook(text: string, path: string): Notebook {
  const refuse = (why: string): never => {
    throw new HttpError(400, `Unreadable Notebook: ${path} ${why}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
    refuse(`NotJSONError(${JSON.stringify(`Notebook does not appear to be JSON: ${shown}`)})`);
  }
  const problem = notebookProblem(value);
  if (problem) refuse(`ValidationError(${JSON.stringify(problem)})`);
  const notebook = value as Notebook;
  return { ...notebook, cells: notebook.cells.map((cell) => mapTexts(cell, join)) };
}

/** The text of a notebook's file: texts as lists of lines, keys in order, one space of indent, as nbformat writes it. */
export function serializeNotebook(notebook: Notebook): string {
  return [...notebookPieces(notebook)].join("");
}

/** What stands before and after the only cell in a notebook's text, and in place of all when there are none. */
const [beforeCell, afterCell, noCells] = ['{\n "cells": [\n  ', "\n ]\n}", '\n "cells": []'];

/** The text of a notebook's file in pieces, one for each cell. */
export function* notebookPieces(notebook: Notebook): Generator<string> {
  const { orig_nbformat: _, ...metadata } = notebook.metadata;
  const frame = indented({ ...notebook, metadata, cells: [] });
  // Line feeds in values are escaped, and one space is the indent of the notebook's own keys.
  const at = frame.indexOf(noCells) + noCells.length - 1;
  yield frame.slice(0, at);
  for (const [i, cell] of notebook.cells.entries()) {
    const { trusted: _, ...cellMetadata } = isObject(cell.metadata) ? cell.metadata : {};
    const only = indented({ cells: [mapTexts({ ...cell, metadata: cellMetadata }, splitLines)] });
    yield (i === 0 ? "\n  " : ",\n  ") + only.slice(beforeCell.length, -afterCell.length);
  }
  yield `${notebook.cells.length === 0 ? "" : "\n "}${frame.slice(at)}\n`;
}

const indented = (value: JsonObject): string => JSON.stringify(sortKeys(value), null, 1);

/** What is wrong with a value that should be a notebook; undefined when nothing is. */
export function notebookProblem(value: unknown): string | undefined {
  if (!isObject(value)) return "a notebook is a JSON object";
  if (typeof value.nbformat !== "number") return "nbformat is missing";
  if (value.nbformat !== 4) return `nbformat ${value.nbformat} is not supported; convert the notebook to nbformat 4`;
  if (!isObject(value.metadata)) return "metadata is missing";
  if (!Array.isArray(value.cells)) return "cells are missing";
  const wrong = value.cells.findIndex((cell) => !isObject(cell) || typeof cell.cell_type !== "string");
  return wrong < 0 ? undefined : `cell ${wrong} has no cell_type`;
}

/** A new notebook without cells. */
export function emptyNotebook(): Notebook {
  return { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
}

/** Applies `map(text, mediaType)` to every text of a cell that nbformat may keep as lines. */
function mapTexts(cell: JsonObject, map: (value: Json, type: string) => Json): JsonObject {
  const mapBundle = (bundle: Json | undefined): Json =>
    isObject(bundle)
      ? Object.fromEntries(Object.entries(bundle).map(([type, data]) => [type, map(data, type)]))
      : (bundle ?? {});
  const mapped: JsonObject = { ...cell };
  if (cell.source !== undefined) mapped.source = map(cell.source, "text/plain");
  if (isObject(cell.attachments))
    mapped.attachments = Object.fromEntries(
      Object.entries(cell.attachments).map(([name, bundle]) => [name, mapBundle(bundle)]),
    );
  if (Array.isArray(cell.outputs))
    mapped.outputs = cell.outputs.map((output) => {
      if (!isObject(output)) return output;
      if (output.data !== undefined) return { ...output, data: mapBundle(output.data) };
      return output.text === undefined ? output : { ...output, text: map(output.text, "text/plain") };
    });
  return mapped;
}

function join(value: Json, type: string): Json {
  return Array.isArray(value) && !isJsonType(type) && value.every((line) => typeof line === "string")
    ? value.join("")
    : value;
}

function splitLines(value: Json, type: string): Json {
  if (typeof value !== "string" || !isLineSplit(type)) return value;
  return value.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key] as Json)]),
  );
}

import { InvalidInputError } from "../../src/base/errors.ts";
import type { VegaLiteSpec } from "../../src/display/chart-svg.ts";
import { Display, type DisplayOptions, type Render, show } from "../../src/display/display.ts";
import { displaySymbol, type MimeBundle } from "../../src/display/host.ts";
import { plainText, reasonOf } from "../../src/display/plain-text.ts";

/** Markup as text, or an element that has it (`outerHTML`), for example of jsdom or Observable Plot. */
export type Markup = string | { readonly outerHTML: string };

/**
 * Shows values of any kind under the running cell; in a plain terminal it prints their text. Every call returns a handle
 * whose `update` replaces the output in place.
 *
 * Values show themselves through `Symbol.for("Jupyter.display")`, a method that returns data by mime type. Markup is
 * drawn only where code asks for it, with `display.html` or `display.svg`: a string or an element as a value is shown
 * as text.
 *
 * @example
 * display({ answer: 42 });
 * const status = display.html("<b>waiting</b>");
 * status.update("<b>done</b>");
 * display(rows, { displayId: "rows" }); // any later cell: updateDisplay("rows", newRows)
 */
export interface DisplayFunction {
  /** Shows any value as a result would be; an object whose keys are all mime types is shown as that data. */
  (value: unknown, options?: DisplayOptions): Display;
  /** Draws HTML. The notebook trusts it: never pass text of others without escaping it. */
  html(markup: Markup, options?: DisplayOptions): Display<Markup>;
  /** Draws an SVG image. */
  svg(markup: Markup, options?: DisplayOptions): Display<Markup>;
  /** Draws Markdown, with formulas between `$`. */
  markdown(text: string, options?: DisplayOptions): Display<string>;
  /** Draws a formula; without delimiters (`$`, `\(`, `\[`, `\begin`) it stands on a line of its own. */
  latex(text: string, options?: DisplayOptions): Display<string>;
  /** Shows data as a tree that can be opened. */
  json(data: unknown, options?: DisplayOptions): Display<unknown>;
  /**
   * Draws a chart from a Vega-Lite 5 specification, with a static SVG for readers that do not know Vega. Data must be in
   * the specification (`data.values`) for the SVG; a chart whose data come by URL is drawn by the page alone.
   */
  vegalite(spec: VegaLiteSpec, options?: DisplayOptions): Display<VegaLiteSpec>;
  /**
   * Draws a PNG image from its bytes or their base64 text.
   *
   * @throws InvalidInputError for data of another kind.
   */
  png(data: Uint8Array | string, options?: DisplayOptions): Display<Uint8Array | string>;
  /** Runs JavaScript in the page, where the front end allows it (JupyterLab asks for trust). */
  javascript(code: string, options?: DisplayOptions): Display<string>;
}

const kind =
  <T>(render: Render<T>) =>
  (value: T, options: DisplayOptions = {}): Display<T> =>
    new Display(value, render, options);

function markupOf(markup: Markup): string {
  if (typeof markup === "string") return markup;
  if (typeof markup?.outerHTML === "string") return markup.outerHTML;
  throw new InvalidInputError(
    `Markup must be text or an element with outerHTML, was ${plainText(markup)}.`,
    "Use display(value) for other values.",
  );
}

/** What a reader without HTML gets: the text between the tags. */
const textOf = (markup: string): string =>
  markup
    .replace(/<(script|style)\b[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<(?:br|\/p|\/div|\/tr|\/li|\/h\d)\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&amp;/g, "&")
    .replace(/[ \t]+/g, " ")
    .replace(/ *\n\s*/g, "\n")
    .trim();

const htmlBundle = (markup: Markup): MimeBundle => {
  const text = markupOf(markup);
  return { "text/html": text, "text/plain": textOf(text) };
};

const svgBundle = (markup: Markup): MimeBundle => {
  const text = markupOf(markup);
  return { "image/svg+xml": text, "text/plain": textOf(text) || "(an SVG image)" };
};

const latexBundle = (text: string): MimeBundle => ({
  "text/latex": /\$|\\\(|\\\[|\\begin\b/.test(text) ? text : `$$${text}$$`,
  "text/plain": text,
});

/** Whether some of a chart's data come by URL: only the page can fetch them. */
function hasRemoteData(spec: unknown): boolean {
  if (typeof spec !== "object" || spec === null) return false;
  const { data } = spec as { data?: { url?: unknown } | null };
  if (typeof data?.url === "string") return true;
  return Object.entries(spec).some(([key, part]) => key !== "data" && hasRemoteData(part));
}

function chartBundle(spec: VegaLiteSpec): MimeBundle | Promise<MimeBundle> {
  if (typeof spec !== "object" || spec === null)
    throw new InvalidInputError(`A Vega-Lite specification must be an object, was ${plainText(spec)}.`);
  const { title } = spec as { title?: string | { text?: unknown } };
  const name = typeof title === "object" ? title?.text : title;
  const summary = typeof name === "string" ? `(chart: ${name})` : "(chart)";
  const data = { "application/vnd.vegalite.v5+json": spec };
  if (hasRemoteData(spec)) return { ...data, "text/plain": summary };
  return import("../../src/display/chart.ts")
    .then(({ Chart }) => new Chart(spec, summary)[displaySymbol]())
    .catch((error: unknown) => ({ ...data, "text/plain": `${summary} (no static picture: ${reasonOf(error)})` }));
}

/** First bytes of formats that are easily taken for each other. */
const signatures: readonly (readonly [string, string])[] = [
  ["image/png", "89504e470d0a1a0a"],
  ["image/jpeg", "ffd8ff"],
  ["image/gif", "47494638"],
  ["application/pdf", "25504446"],
];

function pngBundle(data: Uint8Array | string): MimeBundle {
  const bytes = typeof data === "string" ? Buffer.from(data.replace(/^data:image\/png;base64,/, ""), "base64") : data;
  const start = Buffer.from(bytes.subarray(0, 8)).toString("hex");
  const found = signatures.find(([, signature]) => start.startsWith(signature))?.[0];
  if (found !== "image/png")
    throw new InvalidInputError(
      `display.png needs PNG data; these begin with ${start || "nothing"}${found ? ` (${found})` : ""}.`,
      found ? `Use display({ "${found}": data }).` : undefined,
    );
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.length >= 24 ? `, ${view.readUInt32BE(16)}×${view.readUInt32BE(20)}` : "";
  return { "image/png": view.toString("base64"), "text/plain": `(a PNG image${size})` };
}

export const display: DisplayFunction = Object.assign(
  function display(value: unknown, options?: DisplayOptions): Display {
    return show(value, options);
  },
  {
    html: kind(htmlBundle),
    svg: kind(svgBundle),
    markdown: kind((text: string) => ({ "text/markdown": String(text), "text/plain": String(text) })),
    latex: kind(latexBundle),
    json: kind((data: unknown) => ({ "application/json": data, "text/plain": plainText(data) })),
    vegalite: kind(chartBundle),
    png: kind(pngBundle),
    javascript: kind((code: string) => ({ "text/javascript": code, "text/plain": "(JavaScript for the page)" })),
  },
);

import { AnsiUp } from "ansi_up";
import { type Output, overwritten } from "./cells.ts";
import { escapeHtml, latex } from "./rich-text.ts";

/** Pictures of bytes, best first. */
const pictures = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/** Text with a terminal's colours as HTML. */
function terminal(text: string): string {
  const ansi = new AnsiUp();
  ansi.use_classes = true;
  return ansi.ansi_to_html(overwritten(text));
}

const picture = (type: string, base64: string, { width, height }: { width?: unknown; height?: unknown }): string => {
  const size = [
    typeof width === "number" ? ` width="${width}"` : "",
    typeof height === "number" ? ` height="${height}"` : "",
  ].join("");
  return `<img alt="" src="data:${type};base64,${base64.replace(/[^A-Za-z0-9+/=]/g, "")}"${size}>`;
};

export interface OutputOptions {
  sanitize(html: string): string;
  markdown(source: string): Promise<string>;
}

/** An output as HTML; of several forms the richest that shows without script. */
export async function renderOutput(output: Output, options: OutputOptions): Promise<string> {
  if (output.kind === "stream")
    return `<pre class="stream${output.name === "stderr" ? " stderr" : ""}">${terminal(output.text)}</pre>`;
  if (output.kind === "error")
    return `<pre class="error">${terminal(output.traceback.join("\n") || `${output.name}: ${output.message}`)}</pre>`;
  const { data, metadata } = output;
  const text = (type: string): string | undefined => (typeof data[type] === "string" ? data[type] : undefined);
  const html = text("text/html");
  if (html !== undefined) return `<div class="html">${options.sanitize(html)}</div>`;
  // As a picture a drawing runs no script and loads nothing.
  const svg = text("image/svg+xml");
  if (svg !== undefined) return picture("image/svg+xml", Buffer.from(svg).toString("base64"), {});
  for (const type of pictures) {
    const base64 = text(type);
    if (base64 !== undefined) return picture(type, base64, (metadata[type] ?? {}) as object);
  }
  const markdown = text("text/markdown");
  if (markdown !== undefined) return `<div class="text">${await options.markdown(markdown)}</div>`;
  const tex = text("text/latex");
  if (tex !== undefined) return `<div class="text">${latex(tex)}</div>`;
  const plain = text("text/plain");
  if (plain !== undefined) return `<pre>${terminal(plain)}</pre>`;
  const json = data["application/json"];
  return json === undefined ? "" : `<pre>${escapeHtml(JSON.stringify(json, null, 2))}</pre>`;
}

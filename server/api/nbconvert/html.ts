import type { Notebook } from "../contents/notebooks.ts";
import { type Cell, languageOf, readCells } from "./cells.ts";
import { renderOutput } from "./outputs.ts";
import { escapeHtml, highlight, renderMarkdown } from "./rich-text.ts";
import { sanitizeTrusted, sanitizeUntrusted } from "./sanitize.ts";
import { styles } from "./styles.ts";

export interface HtmlOptions {
  title: string;
  /** Outputs keep their styles and drawings. */
  trusted: boolean;
  /** A picture beside the notebook as a data URL; undefined when there is none. */
  embed(path: string): Promise<string | undefined>;
}

/** Even if something got through the sanitiser, it does not run: the page forbids all script, wherever it is opened. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data: https: http:; font-src data:";

/** A notebook as a page that stands alone: styles and pictures inside, no script. */
export async function toHtml(notebook: Notebook, options: HtmlOptions): Promise<string> {
  const { name: language } = languageOf(notebook);
  const cells: string[] = [];
  for (const cell of readCells(notebook)) cells.push(await renderCell(cell, language, options));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(options.title)}</title>
<style>${styles}</style>
</head>
<body>
<main>
${cells.filter(Boolean).join("\n")}
</main>
</body>
</html>
`;
}

async function renderCell(cell: Cell, language: string, { trusted, embed }: HtmlOptions): Promise<string> {
  const sanitize = trusted ? sanitizeTrusted : sanitizeUntrusted;
  const markdown = (source: string): Promise<string> =>
    renderMarkdown(source, { attachments: cell.attachments, sanitize: sanitizeUntrusted, embed });
  if (cell.type === "markdown") return `<section class="text">${await markdown(cell.source)}</section>`;
  if (cell.type === "raw") {
    if (cell.rawType === "text/html") return `<section class="text">${sanitize(cell.source)}</section>`;
    return cell.source.trim() ? `<section><pre>${escapeHtml(cell.source)}</pre></section>` : "";
  }
  const prompt = cell.count === null ? "" : `<div class="prompt">[${cell.count}]:</div>`;
  const code = `<pre class="code"><code>${highlight(cell.source, language)}</code></pre>`;
  const outputs: string[] = [];
  for (const output of cell.outputs) outputs.push(await renderOutput(output, { sanitize, markdown }));
  const shown = outputs.filter(Boolean).join("\n");
  if (!cell.source.trim() && !shown) return "";
  return `<section class="cell">${prompt}<div>
${folded(code, cell.isSourceHidden, "Code")}
${shown && `<div class="outputs">${folded(shown, cell.areOutputsHidden, "Output")}</div>`}
</div></section>`;
}

/** What is hidden in the notebook can be opened in the page. */
function folded(html: string, isHidden: boolean, label: string): string {
  return isHidden ? `<details><summary>${label}</summary>${html}</details>` : html;
}

import { randomUUID } from "node:crypto";
import hljs from "highlight.js/lib/common";
import katex from "katex";
import { Marked } from "marked";
import { attachedPicture, type Cell } from "./cells.ts";

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]!);

/** Code with its parts marked by classes; plain where the language is unknown. */
export function highlight(code: string, language: string): string {
  return hljs.getLanguage(language) ? hljs.highlight(code, { language, ignoreIllegals: true }).value : escapeHtml(code);
}

/** A formula as MathML, which browsers show without fonts or script. */
export function formula(tex: string, displayMode: boolean): string {
  return katex.renderToString(tex, { displayMode, output: "mathml", throwOnError: false, trust: false });
}

/** LaTeX of an output: `$$...$$`, `$...$`, `\[...\]`, or bare. */
export function latex(text: string): string {
  const bare = /^\s*(?:\$\$([\s\S]*)\$\$|\\\[([\s\S]*)\\\]|\$([\s\S]*)\$)\s*$/.exec(text);
  return formula(bare ? (bare[1] ?? bare[2] ?? bare[3] ?? "") : text, !bare || bare[3] === undefined);
}

/** Code comes first: dollars in it are no formulas. */
const codeOrFormula = new RegExp(
  [
    "(`{3,}|~{3,})[\\s\\S]*?(?:\\1|$)",
    "(`+)[^`][\\s\\S]*?\\2(?!`)",
    "\\$\\$([\\s\\S]+?)\\$\\$",
    "\\\\begin\\{(\\w+\\*?)\\}[\\s\\S]*?\\\\end\\{\\4\\}",
    "(?<![\\\\$])\\$(?!\\s)((?:\\\\.|[^\\\\$\\n])+?)(?<!\\s)\\$(?!\\d)",
  ].join("|"),
  "g",
);

export interface MarkdownOptions {
  attachments: Cell["attachments"];
  /** Takes out what may not be in the page. */
  sanitize(html: string): string;
  /** A picture beside the notebook as a data URL; undefined when there is none. */
  embed(path: string): Promise<string | undefined>;
}

/** Markdown with formulas, highlighted code, and pictures inside, as HTML. */
export async function renderMarkdown(source: string, options: MarkdownOptions): Promise<string> {
  const formulas: { tex: string; html: string }[] = [];
  // Formulas are kept out of markdown and of the sanitiser under a name that no text has.
  const mark = `formula${randomUUID().replaceAll("-", "")}n`;
  const text = source.replace(
    codeOrFormula,
    (whole, fence?: string, ticks?: string, block?: string, environment?: string, inline?: string) => {
      if (fence || ticks) return whole;
      const isBlock = block !== undefined || environment !== undefined;
      formulas.push({ tex: whole, html: formula(block ?? inline ?? whole, isBlock) });
      return `${mark}${formulas.length - 1}e`;
    },
  );
  const marked = new Marked({
    gfm: true,
    async: true,
    renderer: {
      code: ({ text: code, lang }) => {
        const language = (lang ?? "").split(/[\s{]/, 1)[0]!;
        return `<pre class="code"><code>${highlight(code, language)}</code></pre>\n`;
      },
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        const id = html
          .replace(/<[^>]*>/g, "")
          .trim()
          .replace(/\s+/g, "-");
        return `<h${depth} id="${id}">${html}</h${depth}>\n`;
      },
    },
    async walkTokens(token) {
      if (token.type !== "image") return;
      const attached = /^attachment:(.*)$/.exec(token.href);
      if (attached) {
        const picture = attachedPicture(options.attachments, attached[1]!);
        token.href = picture ? `data:${picture[0]};base64,${picture[1].replace(/\s/g, "")}` : "";
      } else if (!/^[a-z][a-z\d+.-]*:|^\/\//i.test(token.href)) {
        token.href = (await options.embed(token.href)) ?? token.href;
      }
    },
  });
  const html = options.sanitize(await marked.parse(text));
  const marks = new RegExp(`${mark}(\\d+)e`, "g");
  return html
    .replace(/<[^>]*>/g, (tag) => tag.replace(marks, (_, index: string) => escapeHtml(formulas[Number(index)]!.tex)))
    .replace(marks, (_, index: string) => formulas[Number(index)]!.html);
}

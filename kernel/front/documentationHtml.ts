const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character]!);

const code = (text: string): string => `<pre><code>${escapeHtml(text)}</code></pre>`;

/** The Markdown that documentation comments are written in, as HTML: paragraphs, lists, fenced and inline code. */
function markdownHtml(markdown: string): string {
  return markdown
    .split(/(```[\s\S]*?```)/)
    .flatMap((part) => {
      const fenced = /^```\w*\n?([\s\S]*?)```$/.exec(part);
      if (fenced) return [code(fenced[1]!.trimEnd())];
      return part
        .split(/\n{2,}/)
        .filter((block) => block.trim() !== "")
        .map(blockHtml);
    })
    .join("");
}

function blockHtml(block: string): string {
  const lines = block.trim().split("\n");
  if (lines.every((line) => line.startsWith("- "))) {
    return `<ul>${lines.map((line) => `<li>${inlineHtml(line.slice(2))}</li>`).join("")}</ul>`;
  }
  return `<p>${lines.map(inlineHtml).join("<br>")}</p>`;
}

const inlineHtml = (text: string): string =>
  escapeHtml(text)
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\*([^*\s][^*]*)\*/g, "<em>$1</em>");

/** What is known about a name, as HTML that stands alone. */
export function documentationHtml(signature: string, documentation: string, source: string | undefined): string {
  return code(signature) + markdownHtml(documentation) + (source ? code(source) : "");
}

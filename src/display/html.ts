/** Markup that is known to be safe: everything variable in it was escaped. */
export class SafeHtml {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

/** What may stand in a hole of {@link html}: text is escaped, safe markup is kept, lists are joined. */
export type HtmlPart = string | number | SafeHtml | undefined | readonly HtmlPart[];

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it may stand in HTML or XML, in an element or in a quoted attribute. Characters XML forbids become U+FFFD. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => entities[character]!)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

function render(part: HtmlPart): string {
  if (part === undefined) return "";
  if (part instanceof SafeHtml) return part.markup;
  if (typeof part === "object") return part.map(render).join("");
  return escapeMarkup(String(part));
}

/**
 * A template for HTML or SVG in which every hole is escaped; attributes must be quoted.
 *
 * @example
 * html`<td title="${title}">${text}</td>`;
 */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): SafeHtml {
  return new SafeHtml(strings.map((literal, i) => (i === 0 ? literal : render(parts[i - 1]) + literal)).join(""));
}

import { stripVTControlCharacters } from "node:util";
import type { Notebook } from "../contents/notebooks.ts";
import { attachedPicture, type Cell, languageOf, type Output, overwritten, readCells } from "./cells.ts";

/** Pictures that a markdown file can hold by themselves. */
const pictures = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** A fence longer than any in the text, so that the text cannot end it. */
function fenced(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n+$/, "")}\n${fence}`;
}

const indented = (text: string): string => text.replace(/\n+$/, "").replace(/^/gm, "    ");

function outputText(output: Output): string {
  if (output.kind === "stream") return indented(stripVTControlCharacters(overwritten(output.text)));
  if (output.kind === "error")
    return indented(stripVTControlCharacters(output.traceback.join("\n") || `${output.name}: ${output.message}`));
  const { data } = output;
  const picture = pictures.find((type) => typeof data[type] === "string");
  if (picture) return `![output](data:${picture};base64,${String(data[picture]).replace(/\s/g, "")})`;
  if (typeof data["image/svg+xml"] === "string")
    return `![output](data:image/svg+xml;base64,${Buffer.from(data["image/svg+xml"]).toString("base64")})`;
  if (typeof data["text/markdown"] === "string") return data["text/markdown"];
  if (typeof data["text/latex"] === "string") return data["text/latex"];
  if (typeof data["text/html"] === "string" && typeof data["text/plain"] !== "string") return data["text/html"];
  return typeof data["text/plain"] === "string" ? indented(stripVTControlCharacters(data["text/plain"])) : "";
}

/** A markdown cell's text with its attached pictures inside. */
function withAttachments({ source, attachments }: Cell): string {
  return source.replace(/\(attachment:([^)\s]+)\)/g, (whole, name: string) => {
    const [type, data] = attachedPicture(attachments, name) ?? [];
    return type && data ? `(data:${type};base64,${data})` : whole;
  });
}

/** A notebook as one markdown file: text as it is, code in fences, outputs below it, pictures inside. */
export function toMarkdown(notebook: Notebook): string {
  const { name } = languageOf(notebook);
  const parts = readCells(notebook).flatMap((cell) => {
    if (cell.type === "markdown") return [withAttachments(cell)];
    if (cell.type === "raw") return [cell.source];
    const code = cell.source.trim() ? [fenced(cell.source, name)] : [];
    return [...code, ...cell.outputs.map(outputText)];
  });
  return `${parts
    .map((part) => part.replace(/\s+$/, ""))
    .filter(Boolean)
    .join("\n\n")}\n`;
}

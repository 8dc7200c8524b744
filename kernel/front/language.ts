import type { CellCompiler } from "../compiler/cellCompiler.ts";
import { documentationHtml } from "./documentationHtml.ts";
import { completeMagic, parseMagics, plainCode } from "./magics.ts";
import { toCharacters, toUtf16 } from "./text.ts";

const maxItems = 500;

function codeOf(content: Record<string, unknown>): { code: string; offset: number } {
  const code = typeof content.code === "string" ? content.code : "";
  const cursor = typeof content.cursor_pos === "number" ? content.cursor_pos : toCharacters(code, code.length);
  return { code, offset: toUtf16(code, cursor) };
}

/** Content of a complete_reply. */
export async function complete(
  compiler: CellCompiler,
  content: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { code, offset } = codeOf(content);
  const { start, end, items } = completeMagic(code, offset) ?? (await compiler.complete(plainCode(code), offset));
  const cursor_start = toCharacters(code, start);
  const cursor_end = toCharacters(code, end);
  const shown = items.slice(0, maxItems);
  return {
    status: "ok",
    matches: shown.map((item) => item.text),
    cursor_start,
    cursor_end,
    metadata: {
      _jupyter_types_experimental: shown.map(({ text, type }) => ({
        text,
        type: type || "<unknown>",
        start: cursor_start,
        end: cursor_end,
      })),
    },
  };
}

/** Content of an inspect_reply. */
export async function inspect(
  compiler: CellCompiler,
  content: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { code, offset } = codeOf(content);
  const found = await compiler.inspect(plainCode(code), offset, content.detail_level === 1);
  if (!found) return { status: "ok", found: false, data: {}, metadata: {} };
  const { signature, documentation, source } = found;
  const block = (text: string) => `\`\`\`typescript\n${text}\n\`\`\``;
  return {
    status: "ok",
    found: true,
    data: {
      "text/plain": [signature, documentation, source].filter(Boolean).join("\n\n"),
      "text/markdown": [block(signature), documentation, source ? block(source) : ""].filter(Boolean).join("\n\n"),
      "text/html": documentationHtml(signature, documentation, source),
    },
    metadata: {},
  };
}

/** Content of an is_complete_reply. */
export async function isComplete(
  compiler: CellCompiler,
  content: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { code } = codeOf(content);
  const { cell, code: plain } = parseMagics(code);
  // What another language makes of its text is not known; an empty line ends it.
  if (cell && cell.name !== "time") return { status: /\n[ \t]*\n[ \t]*$/.test(code) ? "complete" : "unknown" };
  const { status, indent } = await compiler.isComplete(plain);
  return status === "incomplete" ? { status, indent: indent ?? "" } : { status };
}

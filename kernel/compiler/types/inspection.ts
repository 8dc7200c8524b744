import ts from "typescript";
import type { Inspection } from "../cellCompiler.ts";
import type { CellFile } from "./virtualFiles.ts";

const maxSource = 5000;

/**
 * What is known about the name at a place of the cell; inside the brackets of a call, about the called function.
 *
 * @param detailed with the text of its declaration, where that is the user's own.
 */
export function inspectAt(
  service: ts.LanguageService,
  cell: CellFile,
  at: number,
  detailed: boolean,
): Inspection | undefined {
  // Just behind a name means that name, as users expect of a cursor there.
  for (const place of [at, at - 1]) {
    const info = place >= 0 ? service.getQuickInfoAtPosition(cell.path, cell.offset + place) : undefined;
    const signature = info && cleanSignature(ts.displayPartsToString(info.displayParts));
    // An unknown name has the type "any" and is nothing.
    if (!info || !signature || (info.kind as string) === "") continue;
    const documentation = describe(info.documentation, info.tags);
    const source = detailed ? declarationText(service, cell, cell.offset + place) : undefined;
    return { signature, documentation, ...(source ? { source } : {}) };
  }
  return inspectCall(service, cell, at);
}

/** Names of earlier cells come in by an import that the user never wrote. */
function cleanSignature(text: string): string {
  return text.replace(/^\(alias\) /, "").replace(/\nimport [^\n]+$/, "");
}

function inspectCall(service: ts.LanguageService, cell: CellFile, at: number): Inspection | undefined {
  const help = service.getSignatureHelpItems(cell.path, cell.offset + at, undefined);
  const item = help?.items[help.selectedItemIndex];
  if (!item) return undefined;
  const text = ts.displayPartsToString;
  const parameters = item.parameters
    .map(({ displayParts }) => text(displayParts))
    .join(text(item.separatorDisplayParts));
  const described = item.parameters
    .filter(({ documentation }) => documentation.length > 0)
    .map(({ name, documentation }) => `- \`${name}\` ${text(documentation)}`);
  return {
    signature: text(item.prefixDisplayParts) + parameters + text(item.suffixDisplayParts),
    documentation: [text(item.documentation), described.join("\n")].filter(Boolean).join("\n\n"),
  };
}

function describe(documentation: ts.SymbolDisplayPart[] | undefined, tags: ts.JSDocTagInfo[] | undefined): string {
  const lines = (tags ?? []).map(({ name, text }) => {
    const words = ts.displayPartsToString(text);
    const [first = "", ...rest] = words.split(" ");
    if (name === "param") return `- \`${first}\` ${rest.join(" ")}`;
    return name === "example" ? `\n\`\`\`typescript\n${words}\n\`\`\`` : `*@${name}* ${words}`;
  });
  return [ts.displayPartsToString(documentation), lines.join("\n")].filter(Boolean).join("\n\n");
}

function declarationText(service: ts.LanguageService, cell: CellFile, position: number): string | undefined {
  const [found] = service.getDefinitionAtPosition(cell.path, position) ?? [];
  const file = found && service.getProgram()?.getSourceFile(found.fileName);
  if (!found || !file) return undefined;
  const span = found.contextSpan ?? found.textSpan;
  const text = file.text.slice(span.start, span.start + span.length);
  return text.length > maxSource ? `${text.slice(0, maxSource)}\n…` : text;
}

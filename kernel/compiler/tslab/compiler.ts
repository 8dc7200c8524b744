import type * as TypeScript from "typescript";
import type {
  Completeness,
  Completion,
  Conversion,
  ConvertedCell,
  Inspection,
  PositionMap,
  Problem,
} from "../cellCompiler.ts";
import { Edits } from "../edits.ts";
import { lower } from "../lowering.ts";
import { compose, decodeMappings, dropSourceLines } from "../positions.ts";
import { parseModule } from "../rewrite.ts";
import { requiredSpecifiers } from "../specifiers.ts";
import { mergeDeclarations } from "./declarations.ts";
import { judgeCompleteness } from "./isComplete.ts";
import { loadTslab, type TslabConverter, type TslabDiagnostic, type TslabTypeScript } from "./typeScript.ts";

const cannotFindModule = 2307;
/** Lines that the converter puts before a cell. */
const prefixLines = 1;

const inlineMap = /\n\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)/;

/** Cells on tslab's converter. A cell with a type error does not run, as in tslab. */
export class TslabCompiler {
  readonly #tslab: TslabTypeScript;
  readonly #ts: typeof TypeScript;
  #converter: TslabConverter;
  /** Declarations of all names that earlier cells left. */
  #declarations = "";
  /** The same after the converted cell, with that cell's names. */
  #pending: { token: number; declarations: string; names: string[] } | undefined;
  #last = 0;

  constructor() {
    this.#tslab = loadTslab();
    this.#ts = this.#tslab.ts;
    this.#converter = this.#tslab.createConverter();
  }

  convert(code: string): Conversion {
    this.#pending = undefined;
    let converted = this.#converter.convert(this.#declarations, code);
    if (converted.diagnostics.some((d) => d.code === cannotFindModule)) {
      // The converter remembers what it did not find; the package or file may be there by now.
      this.#renewConverter();
      converted = this.#converter.convert(this.#declarations, code);
    }
    if (converted.diagnostics.length > 0) return { ok: false, problems: converted.diagnostics.map(asProblem) };
    const transpiled = this.#tslab.takeTranspiled();
    const { javascript, names } = this.#stripPrelude(converted.output ?? "", converted.lastExpressionVar);
    const lowered = lowerCommonJs(javascript, transpiled ? sourcePositions(transpiled.input, transpiled.mappings) : []);
    const cell: ConvertedCell = {
      ...lowered,
      ...(converted.lastExpressionVar ? { resultName: converted.lastExpressionVar } : {}),
      hidesResult: endsInAssignment(javascript, converted.lastExpressionVar),
      names,
      ...usedNames(javascript, names, converted.lastExpressionVar),
      sideModules: (converted.sideOutputs ?? []).map(({ path, data }) => ({
        path,
        ...lowerCommonJs(withoutMaps(data), []),
      })),
    };
    const token = ++this.#last;
    this.#pending = { token, declarations: converted.declOutput ?? "", names };
    return { ok: true, cell, token };
  }

  commit(token: number, defined: readonly string[]): void {
    if (this.#pending?.token !== token) return;
    const { declarations, names } = this.#pending;
    const missing = new Set(names.filter((name) => !defined.includes(name)));
    this.#declarations =
      missing.size === 0 ? declarations : mergeDeclarations(this.#ts, this.#declarations, declarations, missing);
    this.#pending = undefined;
  }

  adopt(names: readonly string[]): void {
    for (const name of names) this.#declarations += `declare let ${name}: any;\n`;
  }

  complete(code: string, offset: number): Completion {
    const found = this.#converter.complete(this.#visible, code, offset);
    const types = new Map(found.original?.entries.map((entry) => [entry.name, entry.kind as string]));
    return {
      start: found.start,
      end: found.end,
      items: found.candidates.map((text) => ({ text, type: types.get(text) ?? "" })),
    };
  }

  inspect(code: string, offset: number): Inspection | undefined {
    const info = this.#converter.inspect(this.#visible, code, offset);
    const signature = info?.displayParts?.map((part) => part.text).join("");
    if (!info || !signature) return undefined;
    const tags = (info.tags ?? []).map(({ name, text }) => {
      const [first, ...rest] = (text ?? [])
        .map((part) => part.text)
        .join("")
        .split(" ");
      return name === "param" ? `- \`${first}\` ${rest.join(" ")}` : `*@${name}* ${[first, ...rest].join(" ")}`;
    });
    const documentation = (info.documentation ?? []).map((part) => part.text).join("");
    return { signature, documentation: [documentation, tags.join("\n")].filter(Boolean).join("\n\n") };
  }

  isComplete(code: string): Completeness {
    return judgeCompleteness(this.#ts, code);
  }

  reset(): void {
    this.#declarations = "";
    this.#pending = undefined;
  }

  get #visible(): string {
    return this.#pending?.declarations ?? this.#declarations;
  }

  #renewConverter(): void {
    this.#converter.close();
    this.#converter = this.#tslab.createConverter();
  }

  /**
   * TypeScript begins a module with `exports.b = exports.a = void 0`. That would take away, before the cell runs, the
   * values that earlier cells gave to these names, so it is blanked out; it also tells the names.
   */
  #stripPrelude(output: string, resultName: string | undefined): { javascript: string; names: string[] } {
    const javascript = plainExports(withoutMaps(output));
    const prelude = /^(?:exports\.[\w$\u0080-\uffff]+ = )+void 0;$/m.exec(javascript);
    if (!prelude || javascript.slice(0, prelude.index).trim() !== "") return { javascript, names: [] };
    const names = [...prelude[0].matchAll(/exports\.([^ ]+) = /g)].map((match) => match[1]!);
    return {
      javascript:
        javascript.slice(0, prelude.index) +
        " ".repeat(prelude[0].length) +
        javascript.slice(prelude.index + prelude[0].length),
      names: names.filter((name) => name !== resultName).reverse(),
    };
  }
}

/** Makes CommonJS code stoppable. */
function lowerCommonJs(
  javascript: string,
  map: PositionMap,
): Pick<ConvertedCell, "javascript" | "positions" | "imports" | "isAsync"> {
  const program = parseModule(javascript);
  const edits = new Edits(javascript);
  const { isAsync } = lower(program, { edits, javascript });
  const { text, positions } = edits.apply(map);
  return { javascript: text, positions, imports: requiredSpecifiers(program), isAsync };
}

/** Names of earlier cells stand as properties of `exports`. Which of them stand inside functions is not told. */
function usedNames(
  javascript: string,
  own: readonly string[],
  resultName: string | undefined,
): Pick<ConvertedCell, "uses" | "sets" | "later"> {
  const uses = new Set<string>();
  const sets = new Set<string>();
  for (const [, name, assignment] of javascript.matchAll(
    /\bexports\.([\p{ID_Continue}$]+)(\s*(?:(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])|\+\+|--))?/gu,
  )) {
    if (own.includes(name!) || name === resultName) continue;
    uses.add(name!);
    if (assignment) sets.add(name!);
  }
  return { uses: [...uses], sets: [...sets], later: [] };
}

function endsInAssignment(javascript: string, resultName: string | undefined): boolean {
  const target = String.raw`[\w$.[\]"']+ (?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?= `;
  return resultName !== undefined && new RegExp(`^exports\\.${resultName} = ${target}`, "m").test(javascript);
}

/** Imported names become plain values, as all names of the notebook are: a later cell may set them. */
function plainExports(javascript: string): string {
  return javascript
    .replace('Object.defineProperty(exports, "__esModule", { value: true });', "")
    .replace(
      /^Object\.defineProperty\(exports, "([^"]+)", \{ enumerable: true, get: function \(\) \{ return (.+); \} \}\);$/gm,
      "exports.$1 = $2;",
    );
}

const withoutMaps = (output: string): string => output.replace(/^\/\/# sourceMappingURL=.*$/gm, "");

function sourcePositions(input: string, mappings: string): PositionMap {
  const inline = inlineMap.exec(input)?.[1];
  if (!inline) return [];
  const first = JSON.parse(Buffer.from(inline, "base64").toString("utf8")) as { mappings: string };
  return dropSourceLines(compose(decodeMappings(mappings), decodeMappings(first.mappings)), prefixLines);
}

function asProblem(diagnostic: TslabDiagnostic): Problem {
  return {
    start: { line: diagnostic.start.line, column: diagnostic.start.character },
    end: { line: diagnostic.end.line, column: diagnostic.end.character },
    message: diagnostic.messageText,
    code: diagnostic.code,
    ...(diagnostic.fileName ? { file: diagnostic.fileName } : {}),
  };
}

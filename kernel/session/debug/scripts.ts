import { existsSync } from "node:fs";
import type { Debugger } from "node:inspector";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PositionMap } from "../../compiler/cellCompiler.ts";
import { packageRoot } from "../../package.ts";
import type { Inspector } from "./inspector.ts";
import { Locations } from "./locations.ts";
import { murmur2 } from "./murmur2.ts";
import type { CellFiles } from "./protocol.ts";

/** A script of the user: a cell, or a file. */
export interface Script {
  id: string;
  /** What it was compiled as: a cell's label, or a path. */
  label: string;
  /** What the user calls it. */
  name: string;
  path: string;
  isCell: boolean;
  locations: Locations;
}

/** Reads what the main thread knows about a compiled script. */
export type ReadScript = (url: string) => Promise<{ source: string; positions: PositionMap } | undefined>;

const ownCode = join(packageRoot, "dist");
const cellLabel = /^(?:silent )?cell \d+$/;

/** The scripts that the main thread has compiled. All but the user's are hidden. */
export class Scripts {
  readonly #inspector: Inspector;
  readonly #read: ReadScript;
  readonly #cellFiles: CellFiles;
  readonly #byId = new Map<string, Script>();
  readonly #urls = new Map<string, string>();
  readonly #firstLines = new Map<string, number>();
  readonly #texts = new Map<string, Promise<string>>();

  constructor(inspector: Inspector, read: ReadScript, cellFiles: CellFiles) {
    this.#inspector = inspector;
    this.#read = read;
    this.#cellFiles = cellFiles;
  }

  /** Takes a new script. Returns it if it is the user's. */
  async add({ scriptId, url, startLine }: Debugger.ScriptParsedEventDataType): Promise<Script | undefined> {
    this.#urls.set(scriptId, url);
    this.#firstLines.set(scriptId, startLine);
    // The inspector tells paths as URLs.
    const file = url.startsWith("file:") ? fileURLToPath(url) : url;
    const isCell = cellLabel.test(url);
    if (!isCell && (!isAbsolute(file) || /[\\/]node_modules[\\/]/.test(file) || file.startsWith(ownCode)))
      return undefined;
    const known = await this.#read(file);
    if (isCell && !known) return undefined;
    const script: Script = {
      id: scriptId,
      name: isCell ? url : basename(file),
      label: file,
      path: isCell ? this.pathOf(known!.source) : file,
      isCell,
      locations: new Locations(known?.positions),
    };
    this.#byId.set(scriptId, script);
    return script;
  }

  /** The user's script with an identifier; undefined for hidden ones. */
  get(id: string): Script | undefined {
    return this.#byId.get(id);
  }

  withPath(path: string): Script[] {
    return [...this.#byId.values()].filter((script) => script.path === path);
  }

  /** The path that stands for a cell's code. */
  pathOf(code: string): string {
    const { prefix, seed, suffix } = this.#cellFiles;
    return `${prefix}${murmur2(code, seed)}${suffix}`;
  }

  /** The user's files, without cells and without code that only pretends to lie in one. */
  get files(): Script[] {
    return [...this.#byId.values()].filter(({ isCell, path }) => !isCell && existsSync(path));
  }

  /** Whether a script is the kernel's own. */
  isKernel(id: string): boolean {
    const url = this.#urls.get(id) ?? "";
    return url.startsWith("file:") && fileURLToPath(url).startsWith(ownCode);
  }

  /** The generated code of any script. */
  text(id: string): Promise<string> {
    let text = this.#texts.get(id);
    if (!text) {
      text = this.#inspector
        .post<Debugger.GetScriptSourceReturnType>("Debugger.getScriptSource", { scriptId: id })
        .then(({ scriptSource }) => scriptSource);
      this.#texts.set(id, text);
    }
    return text;
  }

  /** Offset in a script's text of a place in it. */
  async offsetOf({ scriptId, lineNumber, columnNumber = 0 }: Debugger.Location): Promise<number> {
    const text = await this.text(scriptId);
    let at = 0;
    for (let line = this.#firstLines.get(scriptId) ?? 0; line < lineNumber; line++) at = text.indexOf("\n", at) + 1;
    return at + columnNumber;
  }
}

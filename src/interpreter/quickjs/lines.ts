import { SourceMap, type SourceMapPayload } from "node:module";

/** Where the generated lines of TypeScript snippets were written. */
export class LineMap {
  readonly #maps = new Map<string, SourceMap>();

  /** Takes the inline source map off a snippet that was made from TypeScript. */
  take(file: string, code: string): string {
    const found = /\n\/\/# sourceMappingURL=data:application\/json;base64,([A-Za-z0-9+/=]+)\s*$/.exec(code);
    if (!found) return code;
    const payload = JSON.parse(Buffer.from(found[1]!, "base64").toString("utf8")) as SourceMapPayload;
    this.#maps.set(file, new SourceMap(payload));
    return code.slice(0, found.index + 1);
  }

  /** A stack frame with the place that the author knows. */
  readonly remap = (frame: string): string =>
    frame.replace(/(<(?:snippet|cell \d+)>):(\d+)(?::(\d+))?/, (whole, file: string, line: string, column = "1") => {
      const map = this.#maps.get(file);
      const entry = map?.findEntry(Number(line) - 1, Number(column) - 1);
      if (!entry || !("originalLine" in entry)) return whole;
      return `${file}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    });
}

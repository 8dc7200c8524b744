import type { CellRunRecord, CellRunsSnapshot, Footprint, Origin } from "../protocol/cellRuns.ts";

/** One run of code that has ended. */
export interface EndedRun {
  /** The notebook's cell; undefined for code of a console, a silent request and the like. */
  cell: string | undefined;
  code: string;
  /** Unknown where the code could not be compiled. */
  footprint: Footprint | undefined;
  /** Names that it really set. */
  written: readonly string[];
  /** Modules of the names that it imported. */
  imported: Readonly<Record<string, string>>;
}

/** Who set a name last, with the names that its functions look up. */
interface Writer {
  cell: string;
  run: number;
  later: readonly string[];
  /** The package that it was imported from: running the import again changes nothing. */
  module?: string;
}

/**
 * Remembers the last run of every cell and whose values it used. Pages mark stale cells by it; it lives as long as the
 * values do.
 */
export class CellRuns {
  #session = 1;
  #count = 0;
  readonly #writers = new Map<string, Writer>();
  readonly #runs = new Map<string, CellRunRecord>();

  /** Notes a run. Returns what pages are told of it, if it was a cell's. */
  add({ cell = "", code, footprint, written, imported }: EndedRun): CellRunRecord | undefined {
    const run = ++this.#count;
    const reads: Record<string, Origin | null> = Object.create(null);
    for (const name of footprint?.uses ?? []) this.#read(name, reads, footprint!.defines);
    const later = footprint?.later ?? [];
    const writes: Record<string, number> = Object.create(null);
    for (const name of written) {
      const module = Object.hasOwn(imported, name) && !isLocal(imported[name]!) ? imported[name] : undefined;
      const before = this.#writers.get(name);
      const isSame = module !== undefined && before?.module === module && before.cell === cell;
      if (!isSame) this.#writers.set(name, { cell, run, later, ...(module === undefined ? {} : { module }) });
      writes[name] = isSame ? before.run : run;
    }
    if (cell === "") return undefined;
    const record = { cell, session: this.#session, run, code, writes, reads, later: [...later] };
    this.#runs.delete(cell);
    this.#runs.set(cell, record);
    return record;
  }

  snapshot(): CellRunsSnapshot & Record<string, unknown> {
    return { session: this.#session, runs: [...this.#runs.values()] };
  }

  /** The session's values are gone. */
  reset(): void {
    this.#session++;
    this.#count = 0;
    this.#writers.clear();
    this.#runs.clear();
  }

  /** Notes who set a name, and whatever a function of that name looks up itself. */
  #read(name: string, reads: Record<string, Origin | null>, own: readonly string[], through?: string): void {
    if (Object.hasOwn(reads, name) || own.includes(name)) return;
    const writer = this.#writers.get(name);
    reads[name] = writer ? { cell: writer.cell, run: writer.run, ...(through === undefined ? {} : { through }) } : null;
    for (const inner of writer?.later ?? [])
      if (this.#writers.has(inner)) this.#read(inner, reads, own, through ?? name);
  }
}

/** Modules that people edit beside the notebook. */
const isLocal = (module: string): boolean => /^[./]/.test(module);

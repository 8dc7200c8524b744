/** A place in a cell's source; line and column count from 0, offsets are UTF-16 units. */
export interface SourcePosition {
  line: number;
  column: number;
}

/** Something that keeps a cell from running. */
export interface Problem {
  start: SourcePosition;
  end: SourcePosition;
  message: string;
  /** TypeScript's number of the problem. */
  code: number;
  /** The file that holds it, where it is not the cell itself. */
  file?: string;
}

/**
 * Where each piece of generated code comes from: for every generated line a flat list of triples (generated column,
 * source line, source column), sorted by generated column; all count from 0.
 */
export type PositionMap = readonly (readonly number[])[];

/** Another file of the user that a cell imports, as CommonJS. */
export interface SideModule {
  /** Absolute path, with the extension `.js`. */
  path: string;
  javascript: string;
}

/**
 * A cell ready to run: the body of a function with the parameters `exports`, `require`, `__kernel` and `__load`.
 *
 * - `exports` holds every name of the notebook: the body sets the names that the cell defines and reads those of
 *   earlier cells.
 * - `require(specifier)` gives a module that was loaded before (see `imports`); `__load(specifier)` loads one while
 *   the cell runs and stands for `import()`.
 * - `__kernel.checkLoop()` is called in loops while an interrupt waits (`__kernel.flag[0] !== 0`), and
 *   `__kernel.checkAwait(value)` gets every awaited value.
 */
export interface ConvertedCell {
  javascript: string;
  positions: PositionMap;
  /** Specifiers that must be loaded before the body runs. */
  imports: string[];
  /** The body awaits at its top level: it must be an async function's. */
  isAsync: boolean;
  /** Name under which the body leaves the value of its last expression in `exports`. */
  resultName?: string;
  /** The last expression is an assignment: its value is not shown. */
  hidesResult?: boolean;
  /** Names of values that the cell defines. */
  names: string[];
  sideModules: SideModule[];
}

export type Conversion = { ok: true; cell: ConvertedCell } | { ok: false; problems: Problem[] };

export interface CompletionItem {
  text: string;
  /** TypeScript's word for what it is: `function`, `const`, `method`, `property`, `class`, ... */
  type: string;
}

export interface Completion {
  /** Offsets of the text that an item replaces. */
  start: number;
  end: number;
  items: CompletionItem[];
}

export interface Inspection {
  /** Type and name, as TypeScript. */
  signature: string;
  /** Documentation comment as Markdown; may be empty. */
  documentation: string;
}

export interface Completeness {
  status: "complete" | "incomplete" | "invalid" | "unknown";
  /** Suggested indentation of the next line of an incomplete cell. */
  indent?: string;
}

/**
 * Turns cells of TypeScript into JavaScript and knows the names and types that earlier cells left. One cell at a time:
 * `convert` prepares it, `commit` makes what it defined known to the cells after it. Completion and inspection see the
 * converted cell before it is committed, so that they help while it runs.
 */
export interface CellCompiler {
  convert(code: string): Conversion;
  /**
   * The converted cell has run. `defined` are the names that it really set: all of them when it ended well, fewer
   * when it threw or was interrupted half way.
   */
  commit(defined: readonly string[]): void;
  /** @param offset place in `code`, in UTF-16 units. */
  complete(code: string, offset: number): Completion;
  inspect(code: string, offset: number): Inspection | undefined;
  isComplete(code: string): Completeness;
  /** Forgets all cells: the session that held their values is gone. */
  reset(): void;
}

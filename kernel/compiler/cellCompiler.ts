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
  /** TypeScript's number of a type error; none for a syntax error. */
  code?: number;
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
  /** Absolute path. */
  path: string;
  javascript: string;
  positions: PositionMap;
  /** Specifiers of packages that must be loaded before it runs. */
  imports: string[];
  /** What it was compiled from: the SHA-256 of its text, and the user's files that it imports. Absent where not known. */
  origin?: { sha256: string; locals: string[] };
}

/** A cell's functions before the kernel changed them. */
export interface CellFunctions {
  texts: string[];
  /** Where they begin: for each line of the cell's `javascript` a flat list of triples: column, place in `texts`, 0. */
  marks: PositionMap;
}

/**
 * A cell ready to run: the body of a function with the parameters `exports`, `require`, `__kernel`, `__load` and
 * `__meta` (the cell's `import.meta`).
 *
 * - `exports` holds every name of the notebook: the body sets the names that the cell defines and reads those of
 *   earlier cells.
 * - `require(specifier)` gives a module that was loaded before (see `imports`); `__load(specifier)` loads one while
 *   the cell runs and stands for `import()`.
 * - `__kernel.checkLoop()` is called in loops while an interrupt waits (`__kernel.flag[0] !== 0`).
 * - `__kernel.async(this, arguments, generator)` runs what was an async function: `await x` is
 *   `__kernel.resumed(yield x)` there, and `for await` runs over `__kernel.iteration()`. `__kernel.checkAwait(value)`
 *   gets what native awaits bring.
 * - `__kernel.module(specifier)` is a loaded module's namespace and `__kernel.pick(namespace, name)` one of its exports.
 * - For names that no cell had declared: `__kernel.read(name)`, `__kernel.has(name)`, and `__kernel.declared(name)`, the
 *   names' object if the name exists by now. `__kernel.constant(name)` throws.
 */
export interface ConvertedCell {
  javascript: string;
  positions: PositionMap;
  /** Specifiers that must be loaded before the body runs. */
  imports: string[];
  /** The body awaits at its top level: it must be a generator's that `__kernel.async` runs. */
  isAsync: boolean;
  /** Name under which the body leaves the value of its last expression in `exports`. */
  resultName?: string;
  /** The last expression is an assignment: its value is not shown. */
  hidesResult?: boolean;
  /** Names of values that the cell defines. */
  names: string[];
  /** Names of earlier cells that it reads or sets. */
  uses: string[];
  /** Those of them that it sets. */
  sets: string[];
  /** Names of other cells that stand inside its functions: looked up whenever the function runs. */
  later: string[];
  /** The cell's functions as the user wrote them, types aside; absent where it has none. */
  functions?: CellFunctions;
  /** Modules of the names that the cell imports. */
  imported?: Record<string, string>;
  sideModules: SideModule[];
}

/** A token names the cell when it is committed. */
export type Conversion = { ok: true; cell: ConvertedCell; token: number } | { ok: false; problems: Problem[] };

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
  /** Text of its declaration, if that was asked for and is known. */
  source?: string;
}

export interface Completeness {
  status: "complete" | "incomplete" | "invalid" | "unknown";
  /** Suggested indentation of the next line of an incomplete cell. */
  indent?: string;
}

/**
 * Turns cells of TypeScript into JavaScript and knows the names and types that earlier cells left: `convert` prepares a
 * cell, `commit` makes what it defined known to the cells after it. Completion and inspection see a converted cell
 * before it is committed, so that they help while it runs.
 */
export interface CellCompiler {
  /** Loads what the first cell needs. */
  warmUp(): Promise<void>;
  convert(code: string): Promise<Conversion>;
  /** Type errors of a converted cell, where `convert` did not look for them. Once for each cell. */
  check(token: number): Promise<Problem[]>;
  /** The same, as soon as no cells are converted for a moment. */
  checkWhenQuiet(token: number): Promise<Problem[]>;
  /**
   * The converted cell has run. `defined` are the names that it really set: all of them when it ended well, fewer
   * when it threw or was interrupted half way.
   */
  commit(token: number, defined: readonly string[]): Promise<void>;
  /** @param offset place in `code`, in UTF-16 units. */
  complete(code: string, offset: number): Promise<Completion>;
  /** @param detailed with the text of the declaration. */
  inspect(code: string, offset: number, detailed: boolean): Promise<Inspection | undefined>;
  isComplete(code: string): Promise<Completeness>;
  /** Names that cells of another compiler have set; nothing is known of their types. */
  adopt(names: readonly string[]): Promise<void>;
  /** Forgets all cells: the session that held their values is gone. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** The compilers that a kernel can use; the first is the default. */
export const compilerNames = ["typescript", "tslab"] as const;
export type CompilerName = (typeof compilerNames)[number];

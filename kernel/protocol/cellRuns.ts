/** What the code of a cell defines and uses: metadata of the reply to its run. */
export interface Footprint {
  /** Names of values that it declares. */
  defines: string[];
  /** Names of other cells that it reads or sets. */
  uses: string[];
  /** Those of them that it sets. */
  sets: string[];
  /** Those of them that stand inside functions: what they mean is looked up whenever the function runs. */
  later: string[];
}

/** Where the value of a name came from when a cell used it. */
export interface Origin {
  /** The cell that had set it; "" for code that belongs to no cell of a notebook (a console's, for example). */
  cell: string;
  run: number;
  /** The function of another cell inside which the name stands, if the cell does not name it itself. */
  through?: string;
}

/** The last run of a cell, as the kernel remembers it. */
export interface CellRunRecord {
  /** Id of the cell. */
  cell: string;
  /** Number of the session process: runs of an earlier one mean nothing any more. */
  session: number;
  /** Counts all runs of the session. */
  run: number;
  /** The source that ran. */
  code: string;
  /** Names that it defined or set, and the run in which each got its value: an import gives the same one again. */
  writes: Record<string, number>;
  /** The names that it used, and who had set each; null where nobody had. */
  reads: Record<string, Origin | null>;
  /** See `Footprint.later`. */
  later: string[];
}

/** Answer to a `comm_open` with this target: one `comm_msg` whose data are a `CellRunsSnapshot`, then `comm_close`. */
export const cellRunsTarget = "cirlab.cell_runs";

export interface CellRunsSnapshot {
  session: number;
  /** The last run of every cell, oldest first. */
  runs: CellRunRecord[];
}

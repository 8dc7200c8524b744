import { type ArithmeticOptions, ArithmeticTaskset } from "./arithmetic.ts";
import { ListTaskset } from "./list.ts";
import { type LoadOptions, loadTasks } from "./load.ts";
import type { Task } from "./types.ts";

/** Where tasks come from: generators, files, lists. */
export const tasks = {
  /** Small arithmetic questions without end; see {@link ArithmeticTaskset}. */
  arithmetic: (options?: ArithmeticOptions): ArithmeticTaskset => new ArithmeticTaskset(options),
  /** A `.jsonl`, `.parquet` or `.csv` file; see {@link loadTasks}. */
  load: (path: string, options?: LoadOptions): Promise<ListTaskset> => loadTasks(path, options),
  /** Your own tasks. */
  list: <T extends Task>(name: string, items: readonly T[]): ListTaskset<T> => new ListTaskset(name, items),
};

export { type ArithmeticOptions, ArithmeticTaskset, isHeldOut } from "./arithmetic.ts";
export { type FamilyOptions, type FamilyTask, OwnTaskFamily, taskFamily } from "./family.ts";
export type { ArithmeticFamily, ArithmeticTask } from "./generators.ts";
export { ListTaskset } from "./list.ts";
export type { LoadOptions } from "./load.ts";
export type { Task, Taskset } from "./types.ts";

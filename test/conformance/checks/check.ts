import { setTimeout } from "node:timers/promises";
import type { Execution, Running, TestKernel } from "../../kernel/client.ts";
import type { Cells } from "../cells.ts";

/** One thing that a kernel does, or does not. */
export interface Check {
  readonly name: string;
  /** Needs a kernel of its own, which is thrown away afterwards. */
  readonly alone?: boolean;
  /** Rejects when the kernel does not. */
  run(kernel: TestKernel, cells: Cells): Promise<void>;
}

/** What a language or a kernel has no way to say in a cell. */
export class Impossible extends Error {}

/** The cell for something, or the verdict that this kernel cannot do it. */
export function need(cell: string | undefined): string {
  if (cell === undefined) throw new Impossible("a cell has no way to say it");
  return cell;
}

/** The value that a cell showed; some kernels print it instead of sending a result, which a check of its own tells. */
export const value = ({ result, stdout }: Execution): string | undefined => result ?? (stdout.trim() || undefined);

/** Until a cell that prints "started" first is at work. Kernels whose output waits for the cell's end get a second. */
export const atWork = (running: Running): Promise<unknown> =>
  Promise.race([running.until((m) => m.header.msg_type === "stream"), setTimeout(1000)]);

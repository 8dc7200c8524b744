import type { TestKernel } from "../../kernel/client.ts";
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

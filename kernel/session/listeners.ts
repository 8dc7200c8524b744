import type { Cells } from "./cells.ts";
import { emit } from "./emit.ts";
import { errorReport, KernelInterrupt } from "./errors.ts";

/**
 * Binds a listener to the cell that calls this: what it prints, then and later, belongs to that cell, and so does an
 * error that it throws or rejects with. Who calls the listener never sees the error.
 */
export function bindListener<A extends unknown[]>(
  cells: Cells,
  listener: (...args: A) => unknown,
): (...args: A) => void {
  const id = cells.here()?.id;
  const tell = (error: unknown): void => {
    if (error instanceof KernelInterrupt) return;
    const text = `Error in a listener: ${errorReport(error).traceback.join("\n")}\n`;
    emit({ type: "stream", id: cells.here()?.id, name: "stderr", text });
  };
  const call = (...args: A): void => {
    try {
      const result = listener(...args);
      if (result instanceof Promise) result.catch(tell);
    } catch (error) {
      tell(error);
    }
  };
  return (...args) => (id === undefined ? call(...args) : cells.beside(id, () => call(...args)));
}
